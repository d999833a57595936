/**
 * A bounded memo for pure functions: same key, same answer, so forgetting an entry costs time and never correctness.
 * Must never hold anything that depends on the moment it was computed.
 */

/** Answers from memory, or computes and remembers. */
export type Memo<Value> = (key: string, compute: () => Value) => Value;

/**
 * A memo of at most `capacity` entries. An error thrown by `compute` is passed on and not remembered.
 * Entries live in two generations: when the young one is full it becomes the old one, and what nobody asked for meanwhile is forgotten.
 */
export function createMemo<Value>(capacity: number): Memo<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  return (key, compute) => {
    const known = young.get(key);
    if (known !== undefined) return known;
    const value = old.get(key) ?? compute();
    if (young.size >= capacity / 2) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
    return value;
  };
}
