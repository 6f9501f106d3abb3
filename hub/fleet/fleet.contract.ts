/** What the fleet does over any Store, run by fleet.test.ts and fleet.server.test.ts. */
import type { Store } from '../store/store.ts';
import { fleetBench } from './fleet-bench.test-support.ts';
import { gatewaysContract } from './gateways.contract.ts';
import { profilesContract } from './profiles.contract.ts';
import { rolloutsContract } from './rollouts.contract.ts';

/** `open` gives a database of its own, with the migrations of log, tracking and fleet. */
export function fleetContract(open: () => Promise<Store>): void {
  const bench = fleetBench(open);
  gatewaysContract(bench);
  profilesContract(bench);
  rolloutsContract(bench);
}
