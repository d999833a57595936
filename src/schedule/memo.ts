/**
 * A bounded memo for pure functions: same key, same answer, so forgetting an entry costs time and never correctness.
 * Must never hold anything that depends on the moment it was computed.
 */

/** Answers from memory, or computes and remembers; the oldest entry goes when there are more than `capacity`. */
export type Memo<Value> = (key: string, compute: () => Value) => Value;

/** A memo of at most `capacity` entries. An error thrown by `compute` is passed on and not remembered. */
export function createMemo<Value>(capacity: number): Memo<Value> {
  const entries = new Map<string, Value>();
  return (key, compute) => {
    const known = entries.get(key);
    if (known !== undefined) return known;
    const value = compute();
    if (entries.size >= capacity) {
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        break;
      }
    }
    entries.set(key, value);
    return value;
  };
}
