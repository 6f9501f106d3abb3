/** Simulated gateways over real MQTT, some of which refuse a key or go away: for tests and benchmarks of rollouts. */
import { systemClock } from '../../cli/system-clock.ts';
import { ConfigTaker } from '../../simulators/gateways/config-taker.ts';
import { Fleet } from '../../simulators/gateways/fleet.ts';
import { mqttConnections } from '../../simulators/gateways/mqtt-connection.ts';
import { simDeviceStates } from '../../simulators/gateways/sim-devices.ts';

const LABELS = { fleet: 'cold' };

export interface SimulatedFleet {
  /** Switches so many more gateways on, under the ids `<prefix>0001` and so on; those that were there before remember what they took. */
  start(prefix: string, count: number): Fleet;
  stop(): Promise<void>;
}

/** @param options.refusing Which gateways refuse which keys. */
export async function simulatedFleet(options: {
  mqttUrl: string;
  refusing?: (gatewayId: string) => readonly string[];
}): Promise<SimulatedFleet> {
  const clock = systemClock();
  const random = Math.random;
  const open = await mqttConnections({ url: options.mqttUrl, clock, random, onFault: () => {} });
  const config = new ConfigTaker({
    clock,
    settleMs: 2_000,
    trialMs: 120_000,
    faultOf: (gatewayId) => ({ rejects: options.refusing?.(gatewayId) ?? [] }),
  });
  const fleets: Fleet[] = [];
  return {
    start(prefix, count) {
      const fleet = new Fleet({
        count,
        prefix,
        // They say hardly anything: what is looked at is their configuration.
        ratePerS: 0.02,
        mix: { alert: 0, tracking: 0, telemetry: 1 },
        packages: 1,
        flapShare: 0,
        connectsPerS: 100,
        laneBytes: 64 * 1024,
        lingerMs: 200,
        batchRecords: 300,
        acknowledgeTimeoutMs: 5_000,
        deflate: false,
        seed: prefix,
        clock,
        open,
        config,
        character: () => ({ labels: LABELS, devices: simDeviceStates() }),
      });
      fleets.push(fleet);
      return fleet;
    },
    async stop() {
      config.stop();
      await Promise.all(fleets.map((fleet) => fleet.stop()));
    },
  };
}

/** A profile for them, as people write it. */
export function coldProfile(highCelsius: number): string {
  return `name: Cold chain
selector: { fleet: cold }
settings:
  rules:
    - id: too-warm
      kind: limit
      target: { device: thermometer, quantity: temperatureCelsius }
      high: ${highCelsius} °C
      hysteresis: 0.5 °C
      dwell: 1min
`;
}

/** Asks again until it is so. Rejects with what it was when the time is over. */
export async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean, withinMs = 60_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
