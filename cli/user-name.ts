import { userInfo } from 'node:os';

/** Who works here, as the operating system knows it. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user that has no name.
    return 'unknown';
  }
}
