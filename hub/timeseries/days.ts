/** A duration in days, for people. */
export function days(ms: number): string {
  return `${Math.round((ms / 86_400_000) * 10) / 10} days`;
}
