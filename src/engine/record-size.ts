/** Whether a run's record has room for another attempt. */

import { ATTEMPTS_UNMEASURED, RECORD_LENGTH } from './limits.ts';
import type { RunRecord } from './records.ts';

/** No attempt may be added: see RECORD_LENGTH. Cheap for runs with few attempts. */
export function isFull(run: RunRecord): boolean {
  return run.attempts.length > ATTEMPTS_UNMEASURED && JSON.stringify(run).length > RECORD_LENGTH;
}
