/**
 * Ties what lands in the store to the decisions behind it and hands both to the invariants: the decision's steps, what the leader had
 * seen, what it was told of its commits, what people were told of their writes.
 */

import { isDeepStrictEqual } from 'node:util';
import { Engine } from '../../src/engine/engine.ts';
import type { Decision } from '../../src/engine/decision.ts';
import type { EngineDump } from '../../src/engine/dump.ts';
import { EXECUTOR_IDENTITY_KEY, NODES, QUARANTINE_KEY } from '../../src/engine/keys.ts';
import { readQuarantine } from '../../src/engine/quarantine.ts';
import { type Batch, packSteps } from '../../src/leader/packing.ts';
import type { JobSpec } from '../../src/job/spec.ts';
import type { MemoryCluster } from '../../src/store/memory/memory-store.ts';
import type { CommitLimits, Revision, Transaction as ApiTransaction, Write } from '../../src/store/port.ts';
import { COMMIT_KEY, LEADER_KEY } from '../../src/store/reserved-keys.ts';
import type { DecisionContext } from '../invariants/history.ts';
import { LONGEST_WORK_MS, STALL_MS } from '../invariants/limits.ts';
import { Invariants } from '../invariants/invariants.ts';
import type { AttributesOf } from '../invariants/placement-rules.ts';
import { checkLeftAlone, checkLetGo } from '../invariants/quarantine-rules.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import type { TaskRef } from '../../src/executor/port.ts';
import type { Answer } from './api-client.ts';
import { CommandWatch } from './command-watch.ts';
import type { Happenings } from './happenings.ts';
import { OPERATOR } from './operator.ts';
import type { SimNode } from './sim-node.ts';

interface PlannedCommit {
  readonly steps: readonly (readonly Write[])[];
  readonly context: DecisionContext;
}

interface EngineNotes {
  decidableSince: number;
  wakeAt: number | undefined;
  seen: Revision;
  now: number;
  lookedAt: number | undefined;
  /** How many of the node's commits the decision led to. */
  commits: number;
}

export interface RecorderOptions {
  readonly line: (what: string) => void;
  readonly fail: (error: unknown) => void;
  /** This node's commit left tokens to be handed on by its next one. */
  readonly onHalfway: (node: string | undefined) => void;
  /** An operator took the framework's identity away. */
  readonly onForgotten: () => void;
  /** See CommandWatch. */
  readonly isEnding: (task: TaskRef) => boolean;
  readonly happenings: Happenings;
  readonly attributesOf: AttributesOf;
}

export class Recorder {
  readonly invariants: Invariants;
  readonly commands: CommandWatch;
  readonly #cluster: MemoryCluster;
  readonly #line: (what: string) => void;
  readonly #fail: (error: unknown) => void;
  readonly #options: RecorderOptions;
  readonly #planned = new Map<Revision, PlannedCommit[]>();
  readonly #engines = new WeakMap<Engine, EngineNotes>();
  readonly #nodeOfTerm = new Map<Revision, string>();
  readonly #landed = new Set<string>();
  /** First values of API transactions that landed, and of those that were said not to. */
  readonly #written = new Set<string>();
  readonly #denied = new Set<string>();
  #lastApiWrite: Revision = 0n;
  decisions = 0;
  commits = 0;
  takeovers = 0;

  constructor(cluster: MemoryCluster, options: RecorderOptions) {
    const { line, fail, happenings, isEnding, attributesOf } = options;
    this.#options = options;
    this.invariants = new Invariants({
      onStep: (step) => {
        happenings.onStep(step);
        this.commands.onStep(step);
      },
      onFlowEnd: (flow) => happenings.onFlowEnd(flow),
      attributesOf,
    });
    const { history } = this.invariants;
    const hasLanded = (marker: string): boolean => this.#landed.has(marker);
    this.commands = new CommandWatch({ history, fail, isEnding, attributesOf, hasLanded, isCurrent: (term) => cluster.term === term });
    this.#cluster = cluster;
    this.#line = line;
    this.#fail = fail;
    const space = cluster.space;
    const apply = space.apply.bind(space);
    space.apply = (writes) => {
      const revision = apply(writes);
      this.#guarded(() => this.#onLanded(writes, revision));
      return revision;
    };
  }

  nodeOf(term: Revision): string | undefined {
    return this.#nodeOfTerm.get(term);
  }

  onDecision(node: SimNode, engine: Engine, { decision, freeAt }: { decision: Decision; freeAt: number }): void {
    this.decisions += 1;
    const now = node.clock.now();
    const replicaAt = node.replica.revision;
    const seen = replicaAt > node.snapshotRevision ? replicaAt : node.snapshotRevision;
    this.#checkQuarantine(node, engine, { steps: decision.steps, freeAt });
    const known = this.#engines.get(engine);
    const begun = { decidableSince: now, wakeAt: undefined, seen: node.snapshotRevision, now, lookedAt: undefined, commits: 0 };
    const notes = known ?? begun;
    const doneAt = notes.commits > 0 ? (node.commitOverAt ?? now) : notes.now;
    checkBusy(node.id, { doneAt, freeAt });
    const busyUntil = Math.min(doneAt, notes.now + LONGEST_WORK_MS);
    if (notes.wakeAt !== undefined && now > Math.max(notes.wakeAt, busyUntil) + STALL_MS) notes.decidableSince = now;
    if (now < notes.decidableSince) notes.decidableSince = now;
    const previous = known && { at: known.now, wakeAt: known.wakeAt };
    const context = { now, decidableSince: notes.decidableSince, seenBefore: notes.seen, seen, lookedAt: notes.lookedAt, previous };
    const lookedAt = decision.isBehind ? notes.lookedAt : now;
    const term = node.leadership.term ?? 0n;
    const planned = this.#planned.get(term) ?? [];
    this.#planned.set(term, planned);
    const batches = packSteps(decision.steps, node.commitLimits);
    this.commands.onDecision(node, engine, { batches, context, isBehind: decision.isBehind });
    for (const batch of batches) {
      checkSize(batch, node.commitLimits);
      if (batch.isFenced) planned.push({ steps: batch.steps.map((step) => step.writes), context });
    }
    const commits = batches.filter(({ isFenced }) => isFenced).length;
    this.#engines.set(engine, { ...notes, wakeAt: decision.wakeAt, seen, now, lookedAt, commits });
  }

  /** quarantined: in the engine's words, in what it is about to write, and in how long its term goes on. */
  #checkQuarantine(node: SimNode, engine: Engine, { steps, freeAt }: { steps: Decision['steps']; freeAt: number }): void {
    const { held, snapshotRevision } = node;
    if (!isDeepStrictEqual(new Set(held.keys()), new Set(engine.quarantined))) {
      const [mine, theirs] = [[...held.keys()], [...engine.quarantined]].map((names) => names.sort().join(', ') || 'nobody');
      throw new InvariantViolation('quarantined', `${node.id} leaves alone ${theirs} instead of ${mine}`);
    }
    checkLeftAlone(
      held,
      steps.flatMap(({ writes }) => writes),
    );
    const before = this.#engines.get(engine);
    if (!before) return;
    // A clock that stepped back while it committed: it goes by what the clock reads when that is done.
    const decidedAt = Math.min(before.now, freeAt);
    checkLetGo(this.invariants.history, held, { decidedAt, seen: before.seen, since: snapshotRevision });
  }

  onCommitOutcome(term: Revision, sequence: number, outcome: string): void {
    const marker = `${term}.${sequence}`;
    const hasLanded = this.#landed.has(marker);
    if (outcome === 'landed' && !hasLanded)
      this.#fail(new InvariantViolation('fenced', `commit ${marker} was said to have landed and did not`));
    if (outcome === 'term-lost' && hasLanded)
      this.#fail(new InvariantViolation('fenced', `commit ${marker} was said to be lost and landed`));
    if (outcome === 'other') this.#fail(new InvariantViolation('fenced', `commit ${marker} failed in a way that the port does not know`));
    if (outcome !== 'landed') this.#options.happenings.note(`commit ${outcome}${hasLanded ? ', landed' : ''}`);
    if (outcome !== 'landed') this.#line(`commit ${marker}: ${outcome}${hasLanded ? ', though it landed' : ''}`);
  }

  onAnswer(transaction: ApiTransaction, answer: Answer): void {
    const key = witness(transaction.writes);
    const hasLanded = this.#written.has(key);
    if (answer === 'done' && !hasLanded) this.#fail(new InvariantViolation('definitions', `${key} was acknowledged and never written`));
    if ((answer === 'conflict' || answer === 'refused') && hasLanded)
      this.#fail(new InvariantViolation('definitions', `${key} was refused and written`));
    if (answer === 'conflict' || answer === 'refused') this.#denied.add(key);
  }

  /** definitions: what is stored at that revision is what was asked for. */
  onDefined(name: string, spec: JobSpec | undefined, revision: Revision): void {
    const stored = this.invariants.history
      .job(name)
      .versions.filter((version) => version.revision <= revision)
      .at(-1)?.record?.spec;
    if (isDeepStrictEqual(stored, spec)) return;
    const message = `${name} was acknowledged as ${JSON.stringify(spec) ?? 'deleted'} and is ${JSON.stringify(stored) ?? 'not there'}`;
    this.#fail(new InvariantViolation('definitions', message, [name]));
  }

  /** Loads an engine as a new leader would and compares it with the live one. Only where the live one knows all there is. */
  checkTakeover(node: SimNode): void {
    const { engine } = node;
    const notes = engine && this.#engines.get(engine);
    const term = node.leadership.term;
    if (!engine || !notes || term === undefined || node.isCommitting || term !== this.#cluster.term || notes.seen < this.#lastApiWrite)
      return;
    this.takeovers += 1;
    this.#options.happenings.note('takeover');
    const entries = this.#cluster.entries();
    const quarantine = { ...readQuarantine(entries, notes.now), held: engine.quarantined };
    const fresh = new Engine({ term, executor: 'mesos', entries, now: notes.now, quarantine });
    // How the executor stands is for each leader to find out.
    const writes = fresh.decide([], notes.now).steps.flatMap((step) => step.writes.filter(({ key }) => !key.startsWith('executor/')));
    const [first] = writes;
    if (first) {
      throw new InvariantViolation(
        'takeover',
        `a new leader would write ${first.key} = ${first.value ?? 'nothing'}, which was ${this.invariants.history.value(first.key) ?? 'nothing'}`,
        [first.key.split('/')[1] ?? ''],
      );
    }
    compareDumps(engine.dump(), fresh.dump());
  }

  #onLanded(writes: readonly Write[], revision: Revision): void {
    const marker = writes.find(({ key }) => key === COMMIT_KEY)?.value;
    const others = writes.filter(({ key }) => key !== COMMIT_KEY);
    if (marker !== undefined) return this.#onCommit(marker, others, revision);
    if (others.some(({ key }) => key === LEADER_KEY)) {
      const value = others.find(({ key }) => key === LEADER_KEY)?.value;
      if (value !== undefined) this.#options.happenings.note('term');
      if (value !== undefined) this.#nodeOfTerm.set(revision, (JSON.parse(value) as { node: string }).node);
      this.#line(`r${revision} leader = ${value ?? 'nobody'}`);
      this.invariants.onTransaction({ revision, writer: { kind: 'store' }, steps: [others] });
      return;
    }
    if (others.every(({ key }) => key.startsWith(NODES)))
      return this.invariants.onTransaction({ revision, writer: { kind: 'store' }, steps: [others] });
    const key = witness(others);
    this.#line(`r${revision} api ${others.map((write) => `${write.key} = ${write.value ?? 'deleted'}`).join(', ')}`);
    if (this.#denied.has(key)) throw new InvariantViolation('definitions', `${key} was refused and is written now`);
    if (this.#written.has(key)) throw new InvariantViolation('definitions', `${key} was written twice`);
    this.#written.add(key);
    this.#lastApiWrite = revision;
    this.invariants.onTransaction({ revision, writer: { kind: 'api' }, steps: [others] });
  }

  #onCommit(marker: string, writes: readonly Write[], revision: Revision): void {
    const [term, sequence] = marker.split('.').map(BigInt) as [bigint, bigint];
    this.commits += 1;
    if (this.#landed.has(marker)) throw new InvariantViolation('fenced', `commit ${marker} landed twice`);
    this.#landed.add(marker);
    for (const { key, value } of writes) this.#line(`r${revision} commit ${marker} ${key} = ${value ?? 'deleted'}`);
    this.commands.onCommit(term, Number(sequence));
    const planned = this.#planned.get(term)?.[Number(sequence) - 1];
    const isForgetting =
      this.nodeOf(term) === OPERATOR && writes.every(({ key, value }) => key === EXECUTOR_IDENTITY_KEY && value === undefined);
    if (!planned && (isForgetting || writes.every(({ key }) => key === QUARANTINE_KEY))) {
      this.#options.happenings.note(isForgetting ? 'framework forgotten' : 'quarantine');
      if (isForgetting) this.#options.onForgotten();
      const writer = { kind: 'leader', term, sequence: Number(sequence) } as const;
      return this.invariants.onTransaction({ revision, writer, steps: [writes] });
    }
    if (!planned) throw new InvariantViolation('fenced', `commit ${marker} was never decided`);
    this.invariants.onTransaction({
      revision,
      writer: { kind: 'leader', term, sequence: Number(sequence) },
      steps: planned.steps,
      context: planned.context,
    });
    const { history } = this.invariants;
    const keys = new Set(planned.steps.flat().map((write) => write.key));
    const isAsDecided = keys.size === writes.length && writes.every(({ key, value }) => keys.has(key) && history.value(key) === value);
    if (writes.some(({ value }) => value?.includes('"handover":'))) this.#options.onHalfway(this.nodeOf(term));
    if (!isAsDecided) throw new InvariantViolation('fenced', `commit ${marker} is not what was decided`);
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/** fenced: a step alone may be too large, and is refused then; several are put together only as far as they fit. */
function checkSize({ writes, steps }: Batch, { operations, bytes }: CommitLimits): void {
  const length = writes.reduce((sum, { value }) => sum + Buffer.byteLength(value ?? ''), 0);
  if (steps.length === 1 || (writes.length <= operations && length <= bytes)) return;
  throw new InvariantViolation(
    'fenced',
    `a commit of ${writes.length} writes and ${length} bytes, where ${operations} and ${bytes} are taken`,
  );
}

/** verdicts: a leader that takes itself to have been busy for longer than it was takes a pause of its own for work. */
function checkBusy(node: string, { doneAt, freeAt }: { readonly doneAt: number; readonly freeAt: number }): void {
  if (freeAt === doneAt) return;
  const [told, was] = [freeAt, doneAt].map((at) => new Date(at).toISOString());
  throw new InvariantViolation('verdicts', `${node} says that it was done with its last decision at ${told}, and was at ${was}`);
}

function witness(writes: readonly Write[]): string {
  const [first] = writes;
  return `${first?.key ?? ''}=${first?.value ?? ''}`;
}

function compareDumps(live: EngineDump, fresh: EngineDump): void {
  const names = new Set([...live.jobs.keys(), ...fresh.jobs.keys()]);
  for (const name of names) {
    const [mine, theirs] = [JSON.stringify(live.jobs.get(name)), JSON.stringify(fresh.jobs.get(name))];
    if (mine !== theirs) throw new InvariantViolation('takeover', `${name} is\n  ${mine} in memory and\n  ${theirs} in the store`, [name]);
  }
  for (const part of ['pending', 'joining', 'busy', 'handovers'] as const) {
    if (isDeepStrictEqual(live[part], fresh[part])) continue;
    throw new InvariantViolation(
      'takeover',
      `${part} is ${JSON.stringify(live[part])} in memory and ${JSON.stringify(fresh[part])} in the store`,
    );
  }
}
