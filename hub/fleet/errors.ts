/** What is refused of the fleet, and why; each problem says where, and what would be right. */
import type { Problem } from '../../protocols/rules/rule.ts';

export type FleetErrorCode =
  | 'gateway-unknown'
  | 'profile-unknown'
  | 'profile-version-unknown'
  | 'profile-changed'
  | 'profile-invalid'
  | 'profiles-contradict'
  | 'labels-invalid'
  | 'rollout-unknown'
  | 'rollout-open'
  | 'rollout-over'
  | 'rollout-pointless';

export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: FleetErrorCode;
  readonly problems: readonly Problem[] | undefined;

  constructor(fault: { code: FleetErrorCode; message: string; problems?: readonly Problem[] }) {
    super(fault.message);
    this.code = fault.code;
    this.problems = fault.problems;
  }
}
