/** What lies between two states of the store, given as entries in key order. */

import type { Change, Entry, Revision, Snapshot } from './port.ts';

/** The changes that lead from `old` to `snapshot`, oldest first. A deletion's revision is not known: it gets the snapshot's. */
export function diffSnapshot(old: readonly Entry[], snapshot: Snapshot): Change[] {
  const changes: Change[] = [];
  walk(old, snapshot.entries, (before, after) => {
    if (after === undefined) {
      if (before !== undefined) changes.push({ key: before.key, value: undefined, revision: snapshot.revision });
    } else if (before?.modRevision !== after.modRevision || before.value !== after.value) {
      changes.push({ key: after.key, value: after.value, revision: after.modRevision });
    }
  });
  return changes.sort((a, b) => (a.revision < b.revision ? -1 : a.revision > b.revision ? 1 : 0));
}

/**
 * How many keys of a copy that follows by watch are not what they must be, judged by a snapshot taken meanwhile.
 * The copy may be ahead of the snapshot: `touched` holds, for every key changed since before the snapshot, the newest such revision.
 */
export function countDiscrepancies(copy: readonly Entry[], snapshot: Snapshot, touched: ReadonlyMap<string, Revision>): number {
  let count = 0;
  walk(copy, snapshot.entries, (own, true_) => {
    if (own?.modRevision === true_?.modRevision) return;
    const key = own?.key ?? true_?.key ?? '';
    const isChangedSince = (touched.get(key) ?? own?.modRevision ?? 0n) > snapshot.revision;
    if (!isChangedSince) count += 1;
  });
  return count;
}

/** Meets every key of either side once, in order. */
function walk(left: readonly Entry[], right: readonly Entry[], meet: (left: Entry | undefined, right: Entry | undefined) => void): void {
  let l = 0;
  let r = 0;
  for (;;) {
    const a = left[l];
    const b = right[r];
    if (a === undefined && b === undefined) return;
    const takesLeft = b === undefined || (a !== undefined && a.key <= b.key);
    const takesRight = a === undefined || (b !== undefined && b.key <= a.key);
    meet(takesLeft ? a : undefined, takesRight ? b : undefined);
    if (takesLeft) l += 1;
    if (takesRight) r += 1;
  }
}
