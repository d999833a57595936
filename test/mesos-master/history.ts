/** What happened to tasks, for checks: survives restarts of masters and agents. */

export type HistoryKind =
  /** A scheduler's SUBSCRIBE was accepted. */
  | 'subscribe'
  /** A task of an ACCEPT passed validation and was sent to the agent. */
  | 'launch'
  /** The agent's executor began to run it. */
  | 'start'
  /** Its process or container is over. */
  | 'end'
  /** A KILL call was received, whatever became of it. */
  | 'kill'
  /** An ACKNOWLEDGE call was received, whatever became of it. */
  | 'ack'
  /** The agent made a status update with a uuid. */
  | 'update';

export interface HistoryEntry {
  readonly kind: HistoryKind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly frameworkId: string;
  readonly taskId: string;
  readonly agentId: string;
  /** The subscription that caused it: launch, kill, ack, subscribe. */
  readonly streamId: string;
  /** State for `update` and `end`, uuid for `ack`. */
  readonly detail: string;
}

export type HistoryNote = Pick<HistoryEntry, 'kind' | 'frameworkId'> &
  Partial<Pick<HistoryEntry, 'taskId' | 'agentId' | 'streamId' | 'detail'>>;

export class History {
  readonly entries: HistoryEntry[] = [];
  readonly #now: () => number;
  readonly #counts = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  note(note: HistoryNote): void {
    const entry = { at: this.#now(), taskId: '', agentId: '', streamId: '', detail: '', ...note };
    this.entries.push(entry);
    const key = countKey(entry.kind, entry.taskId);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    for (const listener of this.#listeners) listener();
  }

  /** How often this happened to the task, over all frameworks. */
  count(kind: HistoryKind, taskId: string): number {
    return this.#counts.get(countKey(kind, taskId)) ?? 0;
  }

  of(taskId: string): readonly HistoryEntry[] {
    return this.entries.filter((entry) => entry.taskId === taskId);
  }

  /** Calls `listener` after each entry; returns how to stop it. */
  onNote(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function countKey(kind: HistoryKind, taskId: string): string {
  return `${kind} ${taskId}`;
}
