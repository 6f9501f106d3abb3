/** What tests over bytes from outside share: a fixture by its name, and a refusal in one word. */
import { CodecError } from './codec-error.ts';

/** The fixture of this name. */
export function named<Fixture extends { name: string }>(fixtures: readonly Fixture[], name: string): Fixture {
  const found = fixtures.find((one) => one.name === name);
  if (!found) throw new Error(`no fixture '${name}'`);
  return found;
}

/** `code@offset` of the CodecError that `decode` throws; anything else that it throws is a fault of the decoder. */
export function faultOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    if (error instanceof CodecError) return `${error.code}@${error.offset}`;
    throw error;
  }
  return 'no fault';
}
