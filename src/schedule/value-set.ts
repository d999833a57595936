/**
 * An immutable set of whole numbers from 0 to 59 in two 30-bit words: small enough to keep one per cron field, and
 * searched in either direction without a loop.
 */

export interface ValueSet {
  /** 0 to 29. */
  readonly low: number;
  /** 30 to 59. */
  readonly high: number;
  readonly size: number;
}

const WORD = 30;

export function valueSet(values: Iterable<number>): ValueSet {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (value < WORD) low |= 1 << value;
    else high |= 1 << (value - WORD);
  }
  return { low, high, size: bitCount(low) + bitCount(high) };
}

export function hasValue(set: ValueSet, value: number): boolean {
  return ((value < WORD ? set.low >>> value : set.high >>> (value - WORD)) & 1) === 1;
}

/** The least member that is `from` (0 to 60) or more; -1 when there is none. */
export function leastFrom(set: ValueSet, from: number): number {
  if (from < WORD) {
    const rest = (set.low >>> from) << from;
    if (rest !== 0) return lowestBit(rest);
    return set.high === 0 ? -1 : WORD + lowestBit(set.high);
  }
  const rest = (set.high >>> (from - WORD)) << (from - WORD);
  return rest === 0 ? -1 : WORD + lowestBit(rest);
}

/** The greatest member that is `to` (-1 to 59) or less; -1 when there is none. */
export function greatestTo(set: ValueSet, to: number): number {
  if (to < 0) return -1;
  if (to >= WORD) {
    const rest = set.high & ((2 << (to - WORD)) - 1);
    if (rest !== 0) return WORD + highestBit(rest);
    return highestBit(set.low);
  }
  return highestBit(set.low & ((2 << to) - 1));
}

/** How many members are less than `value` (0 to 60). */
export function countBelow(set: ValueSet, value: number): number {
  if (value < WORD) return bitCount(set.low & ((1 << value) - 1));
  return bitCount(set.low) + bitCount(set.high & ((1 << (value - WORD)) - 1));
}

/** The position of the lowest bit of a word that isn't zero. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** The position of the highest bit; -1 for zero. */
export function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}

export function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
