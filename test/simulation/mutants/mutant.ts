/**
 * One-line defects, each of a kind that a tired person writes: what the simulation has to see. `find` must stand exactly once in
 * the file. `breaks` says what goes wrong in words; `seenBy` which invariants (test/invariants/invariants.ts) may notice it first.
 */

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly breaks: string;
  readonly seenBy: readonly string[];
  /** Hours that a seed is to live for it to show, where one seldom does. */
  readonly hours?: number;
  /** The seed to begin with, where it shows in one of many hundreds; else 1. */
  readonly from?: number;
}
