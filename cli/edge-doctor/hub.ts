/** The hub, as the daemon reaches it: address, TLS, user name and password, subscription. Only asked when no daemon holds the connection. */
import type { EdgeConfig } from '../../edge/config.ts';
import { linkOptions } from '../../edge/main.ts';
import type { EdgeReport } from '../../edge/ops/report.ts';
import { MqttLink } from '../../edge/uplink/mqtt-link.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { type CheckResult, fail, messageOf, ok } from './check.ts';

const CONNECT_MS = 12_000;
const LOOK_EVERY_MS = 50;

export async function checkHub(config: EdgeConfig, report: EdgeReport | undefined, clock: Clock): Promise<CheckResult> {
  if (report) {
    const { connected, url, message, code } = report.hub;
    if (connected) return ok('hub', `the daemon is connected to ${url}`);
    return fail('hub', `${message} (${code})`, `docs/errors.md has '${code}'`);
  }
  let link: MqttLink;
  try {
    link = new MqttLink({ ...(await linkOptions(config)), clock, random: Math.random, log: silentLog });
  } catch (error) {
    return fail('hub', messageOf(error), 'correct the files under hub: in the configuration, or their permissions');
  }
  try {
    const untilUs = clock.monotonicUs() + CONNECT_MS * 1000;
    while (clock.monotonicUs() < untilUs) {
      if (link.connected) return ok('hub', `${config.hub.url} takes the connection`);
      const fault = link.fault();
      if (fault && fault.code !== 'hub-connecting') {
        return fail(
          'hub',
          `${fault.message} (${fault.code})`,
          `docs/errors.md has '${fault.code}'; readings are kept meanwhile`,
        );
      }
      await sleep(clock, LOOK_EVERY_MS);
    }
    return fail('hub', `${config.hub.url} did not answer within ${CONNECT_MS} ms`, 'check the network and hub.url');
  } finally {
    await link.close();
  }
}
