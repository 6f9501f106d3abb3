/**
 * Under which other names a package is found: its other identities, and each identity without its scheme, because that
 * is what a person reads off a label (`003456789012345678` for `sscc:003456789012345678`).
 *
 * Aliases are compared without regard to case, so they are stored in upper case. One alias may lead to several packages.
 */
export function aliasesOf(ids: Iterable<string>): Set<string> {
  const aliases = new Set<string>();
  for (const id of ids) {
    for (const name of [id, afterFirst(id, ':'), afterLast(id)]) {
      const alias = aliasKey(name);
      if (alias !== '') aliases.add(alias);
    }
  }
  return aliases;
}

/** How an alias is stored and looked up. */
export function aliasKey(text: string): string {
  return text.trim().toUpperCase();
}

function afterFirst(id: string, separator: string): string {
  return id.slice(id.indexOf(separator) + 1);
}

function afterLast(id: string): string {
  return id.slice(Math.max(id.lastIndexOf(':'), id.lastIndexOf('/')) + 1);
}
