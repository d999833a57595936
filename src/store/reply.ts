/** What became of one request to a medium that may fail. The write paths below the port are written in these terms. */

export type Reply<T> =
  | { readonly status: 'answered'; readonly value: T }
  /** It was not carried out, and never will be. */
  | { readonly status: 'refused'; readonly cause: unknown }
  /** No answer: a write may have landed, or may land yet. */
  | { readonly status: 'lost'; readonly cause: unknown };
