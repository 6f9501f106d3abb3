/** Moves the moments in a JSON value (numbers in properties whose name ends in `atUs` or `AtUs`) onto another clock. Pure: gives a copy. */
export function moveTimes<T>(value: T, move: (atUs: number) => number): T {
  if (Array.isArray(value)) return value.map((each) => moveTimes(each, move)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const moved = Object.entries(value).map(([name, each]) => [
    name,
    typeof each === 'number' && /atUs$/i.test(name) ? move(each) : moveTimes(each, move),
  ]);
  return Object.fromEntries(moved) as T;
}
