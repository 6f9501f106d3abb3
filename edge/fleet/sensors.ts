/**
 * What rules and rates of the fleet can name on this gateway: devices, and the sensors of those that have several, as telemetry names them. What
 * they may give follows from driver and options; channels that a bus finds out by itself are named once they were seen. Pure.
 */
import type { Inventory } from '../../protocols/fleet/misfits.ts';
import { QUANTITIES } from '../../protocols/rules/quantities.ts';
import type { EdgeConfig } from '../config.ts';
import { ANY_CHANNEL, type SensorKind } from '../driver.ts';

/** By device. */
export type SeenChannels = ReadonlyMap<string, ReadonlySet<string>>;

export function inventoryOf({ devices, readPoints }: EdgeConfig, seen: SeenChannels = new Map()): Inventory {
  const zones = new Map(readPoints.map(({ id, zone }) => [id, zone]));
  const targets = devices.flatMap((device) => {
    const sensors = device.implementation.sensors?.(device.options) ?? [];
    const zone = device.readPoint === undefined ? undefined : zones.get(device.readPoint);
    const target = (channel: string | undefined, kinds: readonly SensorKind[]) => ({
      id: channel === undefined ? device.id : `${device.id}/${channel}`,
      quantities: Object.keys(QUANTITIES).filter((name) => kinds.some((kind) => gives(kind, name))),
      ...(zone === undefined ? {} : { zone }),
    });
    const itself = sensors.filter(({ channel }) => channel === undefined).flatMap(({ kinds }) => kinds);
    return [
      target(undefined, itself),
      ...sensors.flatMap(({ channel, kinds }) => {
        if (channel === undefined) return [];
        const found = channel === ANY_CHANNEL ? [...(seen.get(device.id) ?? [])].sort() : [];
        return [channel, ...found].map((name) => target(name, kinds));
      }),
    ];
  });
  return { devices: targets, readPoints: readPoints.map(({ id }) => id) };
}

/** A position may carry the speed as well, as a vehicle's own word does. */
function gives(kind: SensorKind, quantity: string): boolean {
  return QUANTITIES[quantity]?.kind === kind || (kind === 'position' && quantity === 'speedMetersPerSecond');
}

/** As many as the largest bus has. */
const MOST_CHANNELS = 256;

/** Channels of devices that find out by themselves which they have. */
export class ChannelBook {
  readonly seen = new Map<string, Set<string>>();

  note(deviceId: string, channel: string): void {
    const channels = this.seen.get(deviceId) ?? new Set();
    if (channels.has(channel) || channels.size >= MOST_CHANNELS) return;
    this.seen.set(deviceId, channels.add(channel));
  }
}
