/**
 * The rule launch-order (words: invariants.ts). Tasks of one decision are launched agent by agent, so an older run may follow in a later step
 * of the same decision: what was passed over is known when the next one of the same term begins.
 */

import { isDeepStrictEqual } from 'node:util';
import type { RunRecord } from '../../src/engine/records.ts';
import type { Revision } from '../../src/store/port.ts';
import type { DecisionContext, History, Step, Transaction } from './history.ts';
import { InvariantViolation } from './violation.ts';

interface Overtaken {
  readonly older: RunRecord;
  readonly younger: RunRecord;
  readonly context: DecisionContext;
  readonly term: Revision;
}

const since = (run: RunRecord): number => run.pendingSince ?? run.createdAt;

export class LaunchOrder {
  #overtaken: Overtaken[] = [];

  /** Before a transaction is applied. */
  begin(history: History, { writer, context }: Transaction): void {
    if (writer.kind !== 'leader' || this.#overtaken.length === 0 || context === this.#overtaken[0]?.context) return;
    for (const { older, younger, term } of this.#overtaken) {
      const run = history.run(older.job, older.number);
      if (term !== writer.term || run?.state !== 'pending' || since(run) !== since(older)) continue;
      const message = `${younger.job}#${younger.number} was launched while #${older.number}, which asks for the same, had waited longer`;
      throw new InvariantViolation('launch-order', message, [younger.job]);
    }
    this.#overtaken = [];
  }

  /** After each of its steps. */
  onStep(history: History, { jobs, context }: Step, term: Revision): void {
    if (!context) return;
    for (const { name, runs } of jobs.values()) {
      for (const { before, after } of runs.values()) {
        if (before?.state !== 'pending' || after?.state !== 'launching') continue;
        for (const older of history.job(name).runs.values())
          if (isOvertaken(older, before, context)) this.#overtaken.push({ older, younger: before, context, term });
      }
    }
  }
}

/** One past its starting deadline is not launched any more; one that waited for its retry waits since its pause was over. */
function isOvertaken(older: RunRecord, younger: RunRecord, { now }: DecisionContext): boolean {
  if (older.state !== 'pending' || since(older) >= since(younger)) return false;
  return (older.deadline ?? Infinity) > now && isDeepStrictEqual(older.spec, younger.spec);
}
