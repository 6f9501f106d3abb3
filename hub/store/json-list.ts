/**
 * JSON documents for one parameter of a statement: in a `text[]` each of their quotation marks would be escaped, here and undone in the
 * database. As one text they are separated by U+001E, which a JSON text cannot hold (RFC 8259, section 7), as in JSON text sequences (RFC 7464).
 */
const SEPARATOR = '\u001e';

/** The value of the parameter. */
export function jsonList(documents: readonly unknown[]): string {
  return documents.map((each) => JSON.stringify(each)).join(SEPARATOR);
}

/** The SQL that makes a `text[]` of it again. @param place For example `$7`. */
export function jsonTexts(place: `$${number}`): string {
  return `string_to_array(${place}::text, E'\\x1e')`;
}
