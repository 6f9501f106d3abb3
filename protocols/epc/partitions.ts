/** Partition tables: how the bits after the partition value are split (TDS 2.3, clause 14.6). Row n is partition value n. */

export interface PartitionRow {
  /** Bits and digits of the GS1 Company Prefix. */
  prefixBits: number;
  prefixDigits: number;
  /** Bits of the other field, and its digits (fixed tables) or most characters (the others). */
  otherBits: number;
  otherLength: number;
}

const PREFIX_BITS = [40, 37, 34, 30, 27, 24, 20];

/** @param otherBits for partition values 0–6. @param firstLength of the other field for value 0; each value adds one. */
function table(otherBits: readonly number[], firstLength: number): PartitionRow[] {
  return otherBits.map((bits, value) => ({
    prefixBits: PREFIX_BITS[value] as number,
    prefixDigits: 12 - value,
    otherBits: bits,
    otherLength: firstLength + value,
  }));
}

/** Table 14-16, also ITIP. */
export const SGTIN_PARTITIONS = table([4, 7, 10, 14, 17, 20, 24], 1);
/** Also GSRN and GSRNP. */
export const SSCC_PARTITIONS = table([18, 21, 24, 28, 31, 34, 38], 5);
/** Also GDTI and SGCN. */
export const SGLN_PARTITIONS = table([1, 4, 7, 11, 14, 17, 21], 0);
export const GRAI_PARTITIONS = table([4, 7, 10, 14, 17, 20, 24], 0);
export const GIAI_96_PARTITIONS = table([42, 45, 48, 52, 55, 58, 62], 13);
export const GIAI_202_PARTITIONS = table([148, 151, 154, 158, 161, 164, 168], 18);
export const CPI_96_PARTITIONS = table([11, 14, 17, 21, 24, 27, 31], 3);
export const CPI_VAR_PARTITIONS = table([114, 120, 126, 132, 138, 144, 150], 18);
