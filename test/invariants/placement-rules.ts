/**
 * The rule placed (words: invariants.ts): constraints, by where tasks really are, whatever their attempts say of it.
 *
 * Several tasks of a job may be placed in one decision, agent by agent, and each counts for those that are placed after it. In which order
 * that was can't be seen from outside: there has to be one in which each was right. So it is judged when the next decision of the same
 * term begins, as only then all of it has landed.
 */

import type { RunRecord } from '../../src/engine/records.ts';
import { isAlive } from '../../src/engine/run-state.ts';
import type { Constraint } from '../../src/job/job.ts';
import type { Revision } from '../../src/store/port.ts';
import type { DecisionContext, History, Step, Transaction } from './history.ts';
import { InvariantViolation } from './violation.ts';

/** What an agent says of itself. */
export type Attributes = Readonly<Record<string, string>>;
/** Of the agent with this id; undefined where that is not known. */
export type AttributesOf = (agentId: string) => Attributes | undefined;

const COUNTING: ReadonlySet<string> = new Set(['UNIQUE', 'CLUSTER', 'GROUP_BY', 'MAX_PER']);
/** Orders that are tried before it is left open. */
const TRIES = 5_000;

export const isCounting = ({ operator }: Constraint): boolean => COUNTING.has(operator);

/** A run's task, and where it is. */
interface Placed {
  readonly run: RunRecord;
  readonly constraints: readonly Constraint[];
  readonly at: Attributes;
}

export class PlacementRules {
  readonly #attributesOf: AttributesOf;
  #decision: { readonly context: DecisionContext; readonly term: Revision; readonly launched: RunRecord[] } | undefined;

  constructor(attributesOf: AttributesOf) {
    this.#attributesOf = attributesOf;
  }

  /** Before a transaction is applied. */
  begin(history: History, { writer, context }: Transaction): void {
    if (writer.kind !== 'leader' || !this.#decision || context === this.#decision.context) return;
    const { launched, term } = this.#decision;
    this.#decision = undefined;
    if (term !== writer.term || !context) return;
    for (const name of new Set(launched.map(({ job }) => job))) checkPlaces(history, { name, launched, attributesOf: this.#attributesOf });
  }

  /** After each of its steps. */
  onStep(history: History, { jobs, context }: Step, term: Revision): void {
    if (!context) return;
    for (const { runs } of jobs.values()) {
      for (const { before, after } of runs.values()) {
        if (before?.state !== 'pending' || after?.state !== 'launching' || !after.spec) continue;
        // One that counts nothing may be counted by another of the same decision.
        if (history.resolve(after.spec).constraints.length === 0) continue;
        this.#decision ??= { context, term, launched: [] };
        this.#decision.launched.push(after);
      }
    }
  }
}

function checkPlaces(
  history: History,
  { name, launched, attributesOf }: { readonly name: string; readonly launched: readonly RunRecord[]; readonly attributesOf: AttributesOf },
): void {
  const numbers = new Set(launched.filter(({ job }) => job === name).map(({ number }) => number));
  const alive = [...history.job(name).runs.values()].filter(({ state }) => isAlive(state)).map((run) => place(history, run, attributesOf));
  if (!alive.every((placed) => placed !== undefined)) return;
  const before = alive.filter(({ run }) => !numbers.has(run.number));
  const made = alive.filter(({ run }) => numbers.has(run.number));
  if (!made.some(({ constraints }) => constraints.some(isCounting))) return;
  if (made.length < numbers.size || hasOrder(before, made, { left: TRIES })) return;
  const places = alive.map(({ run, at }) => `#${run.number}${numbers.has(run.number) ? ' (new)' : ''} on ${JSON.stringify(at)}`);
  throw new InvariantViolation(
    'placed',
    `${name} has ${places.join(', ')}, against ${JSON.stringify(made.map(({ constraints }) => constraints))}`,
    [name],
  );
}

function place(history: History, run: RunRecord, attributesOf: AttributesOf): Placed | undefined {
  const at = attributesOf(run.attempts.at(-1)?.agentId ?? '');
  return at && run.spec && { run, at, constraints: history.resolve(run.spec).constraints };
}

/** Whether these can have been placed one after the other, each as its constraints say. */
function hasOrder(before: readonly Placed[], made: readonly Placed[], tries: { left: number }): boolean {
  if (made.length === 0) return true;
  for (const next of made) {
    if ((tries.left -= 1) <= 0) return true;
    if (!next.constraints.every((constraint) => isMet(constraint, next.at, valuesAt(before, constraint)))) continue;
    const others = made.filter((other) => other !== next);
    if (hasOrder([...before, next], others, tries)) return true;
  }
  return false;
}

/** Only tasks whose own definition has a constraint on the attribute count. */
function valuesAt(placed: readonly Placed[], { attribute }: Constraint): readonly string[] {
  const counted = placed.filter(({ constraints }) => constraints.some((other) => other.attribute === attribute));
  return counted.flatMap(({ at }) => at[attribute] ?? []);
}

/** Whether a run that waits may be launched on an agent with these attributes, as far as its constraints go. */
export function mayBeOn(history: History, run: RunRecord, { at, attributesOf }: { at: Attributes; attributesOf: AttributesOf }): boolean {
  if (!run.spec) return false;
  const alive = [...history.job(run.job).runs.values()].filter(({ state }) => isAlive(state));
  const placed = alive.map((other) => place(history, other, attributesOf));
  if (!placed.every((other) => other !== undefined)) return false;
  return history.resolve(run.spec).constraints.every((constraint) => isMet(constraint, at, valuesAt(placed, constraint)));
}

/**
 * `others`: the values of the attribute where the job's other tasks are. An agent without the attribute meets no constraint on it.
 * GROUP_BY: evenly over the groups that are seen, or over so many as it says; none is to be ahead of another by two.
 */
export function isMet({ attribute, operator, value }: Constraint, at: Attributes, others: readonly string[]): boolean {
  const own = at[attribute];
  if (own === undefined) return false;
  const wanted = value ?? '';
  const countOf = (group: string): number => others.filter((other) => other === group).length;
  switch (operator) {
    case 'EQUALS':
    case 'IS':
      return own === wanted;
    case 'IN':
      return wanted.split(/[{},\s]+/).includes(own);
    case 'LIKE':
      return new RegExp(`^(?:${wanted})$`).test(own);
    case 'UNLIKE':
      return !new RegExp(`^(?:${wanted})$`).test(own);
    case 'UNIQUE':
      return !others.includes(own);
    case 'CLUSTER':
      return (value === undefined || own === value) && others.every((other) => other === own);
    case 'MAX_PER':
      return countOf(own) + 1 <= Number(wanted);
    case 'GROUP_BY': {
      const groups = new Set([...others, own]);
      if (value !== undefined && groups.size < Number(value)) return countOf(own) === 0;
      return [...groups].every((group) => countOf(own) <= countOf(group));
    }
  }
}
