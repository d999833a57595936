/**
 * Stands for src/schedule/memo.ts while mutants are tried: what was computed in one test is forgotten before the next. Else a
 * mutant would go unnoticed where the right answer is known already, and leave wrong ones to those that come after it.
 */

import type { Memo } from '../../src/schedule/memo.ts';

/** Outside the module, which may be there more than once. */
const shared = globalThis as { kairosMutationMemos?: Set<Map<string, unknown>> };

export function forgetAll(): void {
  for (const memo of shared.kairosMutationMemos ?? []) memo.clear();
}

export function createMemo<Value>(): Memo<Value> {
  const known = new Map<string, Value>();
  (shared.kairosMutationMemos ??= new Set()).add(known);
  return (key, compute) => {
    const value = known.get(key) ?? compute();
    known.set(key, value);
    return value;
  };
}
