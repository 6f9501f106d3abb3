/** Date-times as RFC 3339 writes them (section 5.6): with seconds and an offset, of a day that there is. */
const FORM = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/** Milliseconds since 1970; undefined for anything else, which `Date.parse` would often take for some time or other. */
export function isoTimeMs(text: string): number | undefined {
  const [, year, month, day] = FORM.exec(text) ?? [];
  // V8 takes the 30th of February for the 2nd of March.
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const ms = Date.parse(text);
  return Number(day) <= days && !Number.isNaN(ms) ? ms : undefined;
}
