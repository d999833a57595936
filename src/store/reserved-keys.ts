/**
 * The two keys that belong to the store itself. Every adapter shows `leader` like any other key, with the term's number as its
 * modRevision; `commit` is kept out of snapshots and batches, though its revision counts: a batch may be without changes.
 */

import { StoreError } from './errors.ts';
import type { Candidate, Entry, LeaderRecord } from './port.ts';

/** Exists while there is a term. Value: the candidate as JSON. Its modRevision is the term's number. */
export const LEADER_KEY = 'leader';

/** Written by every commit with `<term>.<sequence>`. `get` returns it: its modRevision tells how far a watch should be. */
export const COMMIT_KEY = 'commit';

export const isReserved = (key: string): boolean => key === LEADER_KEY || key === COMMIT_KEY;

export const encodeCandidate = ({ node, address, loopbackOf }: Candidate): string => JSON.stringify({ node, address, loopbackOf });

/** Reads the leader key's entry. Throws StoreError `corrupt`. */
export function decodeLeader(entry: Entry): LeaderRecord {
  try {
    const { node, address, loopbackOf } = JSON.parse(entry.value) as Partial<Candidate>;
    if (typeof node === 'string' && typeof address === 'string') {
      return { node, address, ...(loopbackOf === undefined ? {} : { loopbackOf }), term: entry.modRevision };
    }
  } catch (cause) {
    throw new StoreError('corrupt', 'the leader key holds no JSON', { cause });
  }
  throw new StoreError('corrupt', 'the leader key names no node and address');
}
