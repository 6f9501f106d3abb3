/** LLRP 1.0.1 and 1.1: what drivers, simulators and the command line use of this folder. */
export {
  describeStatus,
  type InventoryOptions,
  inventoryRoSpec,
  llrpStatus,
  readerEvent,
  statusOf,
  tagReportData,
} from './builders.ts';
export * from './codes.ts';
export { decodeMessage, decodeParameters } from './decode.ts';
export { encodeMessage, encodeParameters } from './encode.ts';
export type { BitArray } from './fields.ts';
export { LlrpFramer } from './framer.ts';
export { decodeHeader, HEADER_LENGTH, type Header, MAX_MESSAGE_LENGTH, SUPPORTED_VERSIONS } from './header.ts';
export { messageToJson } from './json.ts';
export { answerTypeOf, type Message, type MessageName, type MessageOf } from './messages.ts';
export {
  filterParameters,
  findParameter,
  type Parameter,
  type ParameterName,
  type ParameterOf,
} from './parameters.ts';
export { decodeTagReads, type TagRead } from './tag-reads.ts';
export {
  decodeVendorParameter,
  encodeVendorParameter,
  IMPINJ_SEARCH_MODE,
  impinjEnableExtensions,
  impinjEnableExtensionsResponse,
  impinjExtensionsStatus,
  isImpinjEnableExtensions,
  type VendorParameter,
} from './vendors.ts';
