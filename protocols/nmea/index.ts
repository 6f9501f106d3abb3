/** NMEA 0183: sentences and positions. */
export * from './decode.ts';
export * from './encode.ts';
export { checksum, closeEnvelope, MAX_SENTENCE_CHARACTERS } from './envelope.ts';
export * from './fix-sentences.ts';
export * from './framer.ts';
export * from './position-assembler.ts';
export * from './sentence.ts';
