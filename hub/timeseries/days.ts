/** A duration in days, for people. */
export function days(ms: number): string {
  const count = Math.round((ms / 86_400_000) * 10) / 10;
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}
