/** The native modules that the configured devices need: whether they load, and the command that mends it. */
import type { EdgeConfig } from '../../edge/config.ts';
import { installCommand, type NativeModule, NODE_HID, SERIALPORT } from '../../edge/transport/native-module.ts';
import { type CheckResult, fail, messageOf, ok } from './check.ts';

export type LoadModule = (module: NativeModule) => Promise<unknown>;

export async function checkModules(config: EdgeConfig, load: LoadModule): Promise<CheckResult[]> {
  const kinds = new Set(config.devices.map(({ implementation, options }) => implementation.transport(options).kind));
  const needed = [...(kinds.has('serial') ? [SERIALPORT] : []), ...(kinds.has('hid') ? [NODE_HID] : [])];
  return await Promise.all(
    needed.map(async (module) => {
      const check = `module ${module.name}`;
      try {
        await load(module);
        return ok(check, 'loads');
      } catch (error) {
        const reason = messageOf(error).split('\n')[0] ?? '';
        const advice = `run '${installCommand(module)}' in Milepost's folder; ${module.needs}`;
        return fail(check, `does not load (${reason}), and ${module.devices} need it`, advice);
      }
    }),
  );
}
