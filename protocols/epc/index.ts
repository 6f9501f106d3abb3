/** EPC tags: GS1 EPC Tag Data Standard 2.3. What drivers, simulators and the command line use of this folder. */
export { decodeControl, encodeControl, type ProtocolControl } from './control.ts';
export { type DecodeOptions, decodeEpc, type Epc, type RawEpc, readEpc } from './decode.ts';
export { type EncodedEpc, type EncodeOptions, encodeEpc, type PlusEpc } from './encode.ts';
export { type EpcElement, type EpcKeys, pureUriOfKey } from './keys.ts';
export { packageIdOfEpc, packageIdsOfEpc } from './package-id.ts';
export { PLUS_SCHEMES, type PlusSchemeName } from './plus-schemes.ts';
export { type Identity, SCHEMES, type SchemeName } from './schemes.ts';
