/**
 * Everything that was ever written to a store in etcd, transaction by transaction, held to the invariants after the fact: for tests
 * whose nodes are processes of their own. etcd must not have been compacted.
 */

import { systemClock } from '../../src/clock/system-clock.ts';
import { NODES } from '../../src/engine/keys.ts';
import type { Attempt, RunRecord } from '../../src/engine/records.ts';
import type { TaskLaunch } from '../../src/executor/port.ts';
import { EtcdClient } from '../../src/store/etcd/etcd-client.ts';
import { EtcdKeys } from '../../src/store/etcd/etcd-keys.ts';
import { settingsOf } from '../../src/store/etcd/etcd-options.ts';
import { watchChanges } from '../../src/store/etcd/etcd-watch.ts';
import type { Change, Revision, Write } from '../../src/store/port.ts';
import { COMMIT_KEY, LEADER_KEY } from '../../src/store/reserved-keys.ts';
import type { Transaction } from '../invariants/history.ts';
import { Invariants } from '../invariants/invariants.ts';
import { InvariantViolation } from '../invariants/violation.ts';
import type { StandInMaster } from '../mesos-master/master.ts';

const PREFIX = '/kairos';

/** Judges all that was written up to now, and all that `master` launched. Throws InvariantViolation with what led to it. */
export async function judgeHistory(hosts: readonly string[], master?: StandInMaster): Promise<Invariants> {
  const invariants = new Invariants();
  const transactions = await readTransactions(hosts);
  for (const [index, transaction] of transactions.entries()) {
    try {
      invariants.onTransaction(transaction);
    } catch (error) {
      throw error instanceof InvariantViolation ? explained(error, transactions.slice(0, index + 1)) : error;
    }
  }
  if (master === undefined) return invariants;
  for (const { taskId, term } of launchesOf(master)) invariants.onLaunch({ taskId, job: '' } as TaskLaunch, term);
  const times = timesOf(master);
  for (const { runs } of invariants.history.jobs.values()) for (const run of runs.values()) checkApart(run, times);
  return invariants;
}

interface TaskTimes {
  readonly begunAt: ReadonlyMap<string, number>;
  readonly endedAt: ReadonlyMap<string, number>;
}

function timesOf({ history }: StandInMaster): TaskTimes {
  const of = (kind: 'start' | 'end'): Map<string, number> =>
    new Map(history.entries.filter((entry) => entry.kind === kind).map(({ taskId, at }) => [taskId, at]));
  return { begunAt: of('start'), endedAt: of('end') };
}

/** one-attempt: no attempt began before the one before it was over, unless that one was lost to the infrastructure. */
function checkApart({ job, attempts }: RunRecord, times: TaskTimes): void {
  for (const [index, older] of attempts.slice(0, -1).entries()) {
    const { taskId } = attempts[index + 1] as Attempt;
    const begunAt = times.begunAt.get(taskId);
    if (older.fault === 'infrastructure' || begunAt === undefined) continue;
    if ((times.endedAt.get(older.taskId) ?? Infinity) <= begunAt) continue;
    throw new InvariantViolation('one-attempt', `${taskId} began while ${older.taskId} was running`, [job]);
  }
}

async function readTransactions(hosts: readonly string[]): Promise<Transaction[]> {
  const settings = settingsOf({ hosts, prefix: PREFIX, clock: systemClock });
  const client = await EtcdClient.create(settings);
  const keys = new EtcdKeys(settings.prefix);
  const end = await mark(client, keys);
  const transactions: Transaction[] = [];
  const stop = new AbortController();
  try {
    for await (const { changes } of watchChanges({ client, keys, settings }, { from: 0n }, stop.signal)) {
      for (const group of byRevision(changes.filter(({ revision }) => revision < end))) transactions.push(transactionOf(group));
      if ((changes.at(-1)?.revision ?? 0n) >= end) stop.abort();
    }
  } finally {
    await client.close();
  }
  return transactions;
}

/** Writes a key that means nothing to anybody, and returns its revision: the end of what is read. */
async function mark(client: EtcdClient, keys: EtcdKeys): Promise<Revision> {
  const { header } = await client.read((etcd) => etcd.kv.put({ key: keys.at('end-of-history'), value: Buffer.from('') }));
  return BigInt(header.revision);
}

function byRevision(changes: readonly Change[]): Change[][] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    if (last?.[0]?.revision === change.revision) last.push(change);
    else groups.push([change]);
  }
  return groups;
}

function transactionOf(changes: readonly Change[]): Transaction {
  const { revision } = changes[0] as Change;
  const marker = changes.find(({ key }) => key === COMMIT_KEY)?.value;
  const writes = changes.filter(({ key }) => key !== COMMIT_KEY).map(({ key, value }): Write => ({ key, value }));
  return { revision, steps: [writes], writer: writerOf(writes, marker) };
}

function writerOf(writes: readonly Write[], marker: string | undefined): Transaction['writer'] {
  if (marker !== undefined) {
    const [term, sequence] = marker.split('.') as [string, string];
    return { kind: 'leader', term: BigInt(term), sequence: Number(sequence) };
  }
  return { kind: writes.some(({ key }) => key === LEADER_KEY || key.startsWith(NODES)) ? 'store' : 'api' };
}

interface Launch {
  readonly taskId: string;
  readonly term: bigint | undefined;
}

/** What agents were sent, with the term that the task was told. */
function launchesOf(master: StandInMaster): Launch[] {
  const terms = new Map<string, bigint>();
  for (const { accept } of master.calls) {
    for (const info of accept?.operations?.flatMap((operation) => operation.launch?.task_infos ?? []) ?? []) {
      const told = info.command?.environment?.variables?.find(({ name }) => name === 'KAIROS_TERM')?.value;
      if (told !== undefined) terms.set(info.task_id.value, BigInt(told));
    }
  }
  return master.history.entries.filter(({ kind }) => kind === 'launch').map(({ taskId }) => ({ taskId, term: terms.get(taskId) }));
}

const STORY_LENGTH = 40;

/** The same violation, with the last things written of the jobs it is about. */
function explained(violation: InvariantViolation, transactions: readonly Transaction[]): Error {
  const isAbout = (key: string): boolean => violation.jobs.some((job) => key.split('/')[1] === job) || key === LEADER_KEY;
  const lines = transactions.flatMap(({ revision, writer, steps }) =>
    steps.flat().flatMap(({ key, value }) => (isAbout(key) ? [`r${revision} ${writer.kind} ${key} = ${value ?? 'deleted'}`] : [])),
  );
  return new Error(`${violation.message}\n${lines.slice(-STORY_LENGTH).join('\n')}`, { cause: violation });
}
