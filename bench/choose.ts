/** What `--only` and its like name: one or several of what there is. */

/** @throws Error for a name that nothing has: a benchmark that ran nothing would look like one that passed. */
export function chosen<const Name extends string>(option: string, given: string, known: readonly Name[]): Name[] {
  const names = given.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(known as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `--${option}: there is no ${unknown.map((name) => `'${name}'`).join(', ')}; known: ${known.join(', ')}`,
    );
  }
  return known.filter((name) => names.includes(name));
}
