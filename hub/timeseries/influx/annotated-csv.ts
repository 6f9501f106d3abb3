/**
 * The CSV of a Flux answer, without annotations: tables one below the other, each with its own header, parted by an empty
 * line. Fields quoted as in RFC 4180.
 */
export function parseAnnotatedCsv(csv: string): Record<string, string>[] {
  const rows: Record<string, string>[] = [];
  let header: string[] | undefined;
  for (const cells of records(csv)) {
    if (cells.length === 1 && cells[0] === '') header = undefined;
    else if (cells[0]?.startsWith('#')) continue;
    else if (header === undefined) header = cells;
    else rows.push(Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])));
  }
  return rows;
}

function* records(csv: string): Generator<string[]> {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let cells: string[] = [];
  while (cell.lastIndex < csv.length) {
    const match = cell.exec(csv);
    if (!match) return;
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    yield cells;
    cells = [];
  }
}
