/** How many logs are followed at once by way of this node: each asks the executor several times a second. */

import { ApiError } from './errors.ts';

/** Logs that one node follows at most. */
export const MOST_LOG_FOLLOWERS = 100;

export class FollowerLimit {
  #followers = 0;

  /** Takes a place and returns what gives it back, once. Throws ApiError `too-many-followers`. */
  enter(): () => void {
    if (this.#followers >= MOST_LOG_FOLLOWERS) {
      const detail = `this node follows ${MOST_LOG_FOLLOWERS} logs already; try again later, ask another node, or read the log without following it`;
      throw new ApiError('too-many-followers', detail, { headers: { 'Retry-After': '5' }, data: { limit: MOST_LOG_FOLLOWERS } });
    }
    this.#followers += 1;
    let isIn = true;
    return () => {
      if (isIn) this.#followers -= 1;
      isIn = false;
    };
  }
}
