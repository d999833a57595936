/** What can go wrong in a store. Callers switch on `code`, never on the message. */

export type StoreErrorCode =
  /** The medium can't be reached; nothing was written. */
  | 'unavailable'
  /** The outcome of a write could not be found out. */
  | 'unknown'
  /** The history asked for has been compacted away. */
  | 'compacted'
  /** The term is over; nothing was written. */
  | 'term-lost'
  /** More operations or bytes than one transaction may have. */
  | 'too-large'
  /** Another process has the directory. */
  | 'locked'
  /** What is stored can't be read: written by a newer version, or damaged. */
  | 'corrupt'
  | 'closed';

export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
