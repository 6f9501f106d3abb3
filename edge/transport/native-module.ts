/** A native module that does not load: what to say, whichever it is. */
import { TransportError } from './transport.ts';

export interface NativeModule {
  name: 'serialport' | 'node-hid';
  /** Who needs it: `serial devices`. */
  devices: string;
  /** What else it needs, in the words of whoever installs it. */
  needs: string;
}

export const SERIALPORT: NativeModule = {
  name: 'serialport',
  devices: 'serial devices',
  needs: 'on a platform without a ready-made build that takes python3, make and g++',
};

export const NODE_HID: NativeModule = {
  name: 'node-hid',
  devices: 'HID devices',
  needs: "and 'apt-get install libusb-1.0-0 libudev1' where those libraries are missing",
};

/** The command that mends it. */
export function installCommand({ name }: NativeModule): string {
  return `npm install ${name}`;
}

export function nativeModuleMissing(module: NativeModule, cause: unknown): TransportError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
  return new TransportError({
    code: 'native-module-missing',
    message:
      `${module.devices} need the native module '${module.name}', which does not load here (${reason}): ` +
      `run '${installCommand(module)}' in Milepost's folder; ${module.needs}`,
    cause,
  });
}
