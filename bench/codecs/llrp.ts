/**
 * LLRP messages: bytes to values, beside llrpjs. Of llrpjs only `decode()` is timed, which finds the elements; reading their fields
 * comes on top. Vectors: sllurp's captures; right is the message's id and every value that sllurp finds in its tag reports.
 */
import { fromHex } from '../../protocols/base/bytes.ts';
import { decodeMessage, messageToJson } from '../../protocols/llrp/index.ts';
import { attempt, type Contest, fixture, load, versionOf } from './contest.ts';

interface Vector {
  name: string;
  input: string;
  expected: { id: number; sllurp_decode?: { RO_ACCESS_REPORT?: { TagReportData?: Record<string, unknown>[] } } };
}

interface LlrpJs {
  LLRPMessage: new (bytes: Buffer) => { decode(): { toLLRPData(): unknown } };
}

const { LLRPMessage } = load<LlrpJs>('llrpjs');

export const llrp: Contest = {
  name: 'llrp',
  peer: versionOf('llrpjs'),
  vectors: fixture<Vector>('llrp/fixtures/llrp.json').map(({ name, input, expected }) => {
    const frame = Buffer.from(fromHex(input));
    const ours = () => decodeMessage(frame);
    const peer = () => new LLRPMessage(frame).decode();
    const values = (expected.sllurp_decode?.RO_ACCESS_REPORT?.TagReportData ?? []).flatMap(comparable);
    return {
      name,
      ours,
      peer,
      oursRight: () =>
        holds(
          attempt(() => messageToJson(ours())),
          expected.id,
          values,
        ),
      peerRight: () =>
        holds(
          attempt(() => peer().toLLRPData()),
          expected.id,
          values,
        ),
      timed: true,
    };
  }),
};

/** Times are written in different ways: sllurp's microseconds are left out of the comparison. */
function comparable(tag: Record<string, unknown>): string[] {
  return Object.entries(tag).flatMap(([name, value]) => (/Timestamp/.test(name) ? [] : [String(value).toLowerCase()]));
}

function holds(message: unknown, id: number, values: readonly string[]): boolean {
  if (message === undefined) return false;
  const found = new Set(leaves(message).map((leaf) => String(leaf).toLowerCase()));
  return [String(id), ...values].every((value) => found.has(value));
}

function leaves(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value];
}
