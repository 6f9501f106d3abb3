/** A request that the reader refuses; becomes the LLRPStatus of its response. */
import type { STATUS_CODE } from '../../protocols/llrp/index.ts';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  constructor(status: RefusalCode, message: string) {
    super(message);
    this.status = status;
  }
}

/** The numbers of STATUS_CODE that a refusal may carry. */
export type RefusalCode = (typeof STATUS_CODE)[keyof typeof STATUS_CODE];
