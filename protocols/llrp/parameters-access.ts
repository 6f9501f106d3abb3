/** Access operations and their results: LLRP 1.1, clauses 12.2, 16.2 and 17.2.5. */
import type { ParameterTable } from './layout.ts';

const WORDS = { opSpecId: 'u16', accessPassword: 'u32', memoryBank: 'bits2', _: 'pad6', wordPointer: 'u16' } as const;
const BLOCKS = { opSpecId: 'u16', accessPassword: 'u32', memoryBank: 'bits2', _: 'pad6', blockPointer: 'u16' } as const;
const RESULT = { result: 'u8', opSpecId: 'u16' } as const;

export const ACCESS = {
  AccessSpec: {
    type: 207,
    fields: { accessSpecId: 'u32', antennaId: 'u16', protocolId: 'u8', active: 'flag', _: 'pad7', roSpecId: 'u32' },
    nested: true,
  },
  /** 0 null, 1 operation count. */
  AccessSpecStopTrigger: { type: 208, fields: { triggerType: 'u8', operationCount: 'u16' } },
  AccessCommand: { type: 209, fields: {}, nested: true },
  ClientRequestOpSpec: { type: 210, fields: { opSpecId: 'u16' } },
  ClientRequestResponse: { type: 211, fields: { accessSpecId: 'u32' }, nested: true },

  C1G2TagSpec: { type: 338, fields: {}, nested: true },
  C1G2TargetTag: {
    type: 339,
    fields: {
      memoryBank: 'bits2',
      match: 'flag',
      _: 'pad5',
      pointer: 'u16',
      tagMask: 'bitArray',
      tagData: 'bitArray',
    },
  },
  C1G2Read: { type: 341, fields: { ...WORDS, wordCount: 'u16' } },
  C1G2Write: { type: 342, fields: { ...WORDS, words: 'u16s' } },
  C1G2Kill: { type: 343, fields: { opSpecId: 'u16', killPassword: 'u32' } },
  C1G2Lock: { type: 344, fields: { opSpecId: 'u16', accessPassword: 'u32' }, nested: true },
  C1G2LockPayload: { type: 345, fields: { privilege: 'u8', dataField: 'u8' } },
  C1G2BlockErase: { type: 346, fields: { ...WORDS, wordCount: 'u16' } },
  C1G2BlockWrite: { type: 347, fields: { ...WORDS, words: 'u16s' } },
  /** This and the next two are LLRP 1.1. */
  C1G2Recommission: {
    type: 357,
    fields: { opSpecId: 'u16', killPassword: 'u32', _: 'pad5', sb3: 'flag', sb2: 'flag', lsb: 'flag' },
  },
  C1G2BlockPermalock: { type: 358, fields: { ...BLOCKS, blockMask: 'u16s' } },
  C1G2GetBlockPermalockStatus: { type: 359, fields: { ...BLOCKS, blockRange: 'u16' } },

  C1G2ReadOpSpecResult: { type: 349, fields: { ...RESULT, words: 'u16s' } },
  C1G2WriteOpSpecResult: { type: 350, fields: { ...RESULT, wordsWritten: 'u16' } },
  C1G2KillOpSpecResult: { type: 351, fields: RESULT },
  C1G2LockOpSpecResult: { type: 352, fields: RESULT },
  C1G2BlockEraseOpSpecResult: { type: 353, fields: RESULT },
  C1G2BlockWriteOpSpecResult: { type: 354, fields: { ...RESULT, wordsWritten: 'u16' } },
  C1G2RecommissionOpSpecResult: { type: 360, fields: RESULT },
  C1G2BlockPermalockOpSpecResult: { type: 361, fields: RESULT },
  C1G2GetBlockPermalockStatusOpSpecResult: { type: 362, fields: { ...RESULT, permalockStatuses: 'u16s' } },
} as const satisfies ParameterTable;
