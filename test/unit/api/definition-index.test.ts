import assert from 'node:assert/strict';
import { test } from 'uvu';
import { DefinitionIndex } from '../../../src/api/definition-index.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { jobKey } from '../../../src/engine/keys.ts';
import type { JobSpec } from '../../../src/job/spec.ts';
import { KeyIndex } from '../../../src/store/key-index.ts';
import type { Change, ChangeBatch } from '../../../src/store/port.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { job } from '../../support/api-rig.ts';

const COUNT = 3_000;

function name(index: number): string {
  return `j${String(index).padStart(5, '0')}`;
}

function value(spec: JobSpec): string {
  return JSON.stringify({ spec, version: 1, uid: 'u', createdAt: 1, updatedAt: 1, scheduledSince: 1, writeId: 'w' });
}

/** A copy of COUNT jobs, each after the one before it, that changes when told. */
function setup() {
  const entries = new KeyIndex();
  const listeners = new Set<(batch: ChangeBatch) => void>();
  for (let index = 0; index < COUNT; index++) {
    const after = index === 0 ? {} : { after: [name(index - 1)] };
    entries.set({ key: jobKey(name(index)), value: value(job(name(index), after)), modRevision: 1n });
  }
  const replica = {
    ready: true,
    revision: 1n,
    get: (key: string) => entries.get(key),
    list: (prefix: string) => entries.list(prefix),
    waitFor: () => Promise.resolve(true),
    subscribe: (listener: (batch: ChangeBatch) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const change = (key: string, spec: JobSpec | undefined): void => {
    const text = spec === undefined ? undefined : value(spec);
    if (text === undefined) entries.delete(key);
    else entries.set({ key, value: text, modRevision: 2n });
    const changes: Change[] = [{ key, value: text, revision: 2n }];
    for (const listener of listeners) listener({ revision: 2n, changes });
  };
  return { index: new DefinitionIndex(replica, silentLogger), change };
}

test('definitions are read in slices, and others get their turn between them', async () => {
  const { index } = setup();
  let turns = 0;
  const sleep = (ms: number): Promise<void> => {
    turns += 1;
    return systemClock.sleep(ms);
  };
  await Promise.all([index.prepare({ sleep }), index.prepare({ sleep })]);
  assert.ok(turns >= 3, `${turns} turns`);
  assert.equal(index.graph.size, COUNT);
  assert.deepEqual([...index.graph.children(name(7)).keys()], [name(8)]);
});

test('what changes while they are read is as it is in the end', async () => {
  const { index, change } = setup();
  const prepared = index.prepare(systemClock);
  change(jobKey(name(0)), undefined);
  change(jobKey(name(2_999)), undefined);
  change(jobKey(name(1)), job(name(1), { owner: 'ann' }));
  change(jobKey('new'), job('new', { after: [name(1)] }));
  await prepared;
  assert.equal(index.graph.size, COUNT - 1);
  assert.equal(index.graph.has(name(0)), false);
  assert.equal(index.graph.has(name(2_999)), false);
  assert.deepEqual(index.graph.parents(name(1)), []);
  assert.equal(index.traits(name(1))?.owner, 'ann');
  assert.equal(index.graph.has('new'), true);
});

test('a question that does not wait is answered whole all the same', async () => {
  const { index } = setup();
  const prepared = index.prepare(systemClock);
  assert.equal(index.graph.size, COUNT);
  await prepared;
  assert.equal(index.graph.size, COUNT);
});

test.run();
