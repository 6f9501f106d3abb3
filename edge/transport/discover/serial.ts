/** Serial ports (discover.ts) as findings; those that gpsd reads are not free for a driver. */
import { realpath } from 'node:fs/promises';
import { type DiscoverOptions, discoverPorts } from '../discover.ts';
import type { Finding, Look } from './finding.ts';

export async function lookAtSerial(options: DiscoverOptions & { takenByGpsd?: readonly string[] } = {}): Promise<Look> {
  const taken = await Promise.all((options.takenByGpsd ?? []).map((path) => realpath(path).catch(() => path)));
  const ports = await discoverPorts(options);
  return {
    findings: ports.map((port): Finding => {
      const { devicePath, stablePath, usbId, manufacturer, suggestion } = port;
      const parts = [manufacturer, usbId && `USB ${usbId}`, devicePath !== stablePath && devicePath];
      const found = { family: 'serial', place: stablePath, what: parts.filter(Boolean).join(', ') } as const;
      if (taken.includes(devicePath)) {
        return { ...found, certainty: 'hint', why: 'gpsd reads it: its positions come through gpsd' };
      }
      const { id, driver, options: entryOptions } = suggestion.entry;
      const readsPackages = driver === 'serial-barcode';
      return {
        ...found,
        certainty: suggestion.certainty,
        why: suggestion.why,
        entry: { name: id.replace(/-\d+$/, ''), driver, options: entryOptions, readsPackages },
      };
    }),
  };
}
