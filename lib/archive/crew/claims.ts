/**
 * Which contents are stored already or about to be: one table in shared memory, asked and filled by all threads.
 *
 * Keyed by the first 64 bits of the SHA-256. That a claim was lost is only a hint: whoever resolves it compares all 256.
 */

/** Shared memory for so many claims, at most half full. */
export const claimMemory = (count: number): SharedArrayBuffer =>
  new SharedArrayBuffer(8 * 2 ** Math.ceil(Math.log2(count * 2 + 1024)));

/** Whole small files and pieces of large ones are told apart: only the block of a piece carries its digest. */
export type Content = { sha256: string; isWhole: boolean };

/** The part of a SHA-256 that claims go by. */
export const prefixOf = (sha256: string): bigint => BigInt(`0x${sha256.slice(0, 16)}`);

/** True for the first who claims a content, in whatever thread; false for all others. */
export const claim = (
  memory: SharedArrayBuffer,
  { prefix, isWhole }: { prefix: bigint; isWhole: boolean },
): boolean => {
  const slots = new BigUint64Array(memory);
  const mask = slots.length - 1;
  // 0 marks a free slot.
  const key = (isWhole ? prefix : ~prefix & 0xffffffffffffffffn) || 1n;
  for (let slot = Number(key & BigInt(mask)); ; slot = (slot + 1) & mask) {
    const found = Atomics.compareExchange(slots, slot, 0n, key);
    if (found === 0n) return true;
    if (found === key) return false;
  }
};

/** Names a content in a map. */
export const contentKey = ({ sha256, isWhole }: Content): string => (isWhole ? sha256 : `piece ${sha256}`);
