/** What a test or a simulation may do to one connection. Nothing here happens by itself or by chance: the caller decides each time. */

export type RequestKind = 'snapshot' | 'get' | 'changes' | 'transact' | 'commit' | 'campaign' | 'release' | 'leader' | 'evict' | 'announce';

export interface MemoryRequest {
  readonly kind: RequestKind;
  readonly connection: string;
}

export type FateOutcome =
  /** It is carried out and answered. */
  | 'answered'
  /** The medium says no before doing anything. */
  | 'refused'
  /** It never arrives; no answer comes. */
  | 'request-lost'
  /** It is carried out; no answer comes. */
  | 'answer-lost';

/** What befalls one request. The delays are of the network: they pass on the cluster's clock. */
export interface Fate {
  /** Default: `answered`. */
  readonly outcome?: FateOutcome;
  /** Default: 0. */
  readonly requestDelayMs?: number;
  /** Default: 0. */
  readonly answerDelayMs?: number;
}

export interface MemoryFaults {
  /** Asked once for every request, in the order they are made. */
  fate?: (request: MemoryRequest) => Fate;
  /** How long a change needs to reach this connection's watches. Default: 0. */
  watchLagMs?: number;
  /** Pages of a snapshot after its first: each a request of its own, for the same revision. Default: 0. */
  laterPages?: number;
}
