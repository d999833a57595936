/** What became of requests, kept for those who asked. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { resultKey } from '../../../src/engine/keys.ts';
import { KEPT_RESULTS } from '../../../src/engine/limits.ts';
import type { RequestBody, RequestResult } from '../../../src/engine/records.ts';
import { EngineRig } from '../../support/engine-rig.ts';

const test = suite('request-results');

function setup(): EngineRig {
  const rig = new EngineRig();
  rig.define({ name: 'j', overlap: 'allow', retry: { attempts: 1 } });
  return rig;
}

function resultOf(rig: EngineRig, id: string): RequestResult | undefined {
  const value = rig.store.get(resultKey(id));
  return value === undefined ? undefined : (JSON.parse(value) as RequestResult);
}

const kept = (rig: EngineRig): string[] => [...rig.store.keys()].filter((key) => key.startsWith('results/')).sort();

test('what became of a request is written in the step that takes it', () => {
  const rig = setup();
  const id = rig.request({ type: 'run', job: 'j', env: { SECRET: 'x' } });
  const { request, takenAt, run, refusal } = resultOf(rig, id) ?? {};
  assert.deepEqual(request, { id, at: rig.now, by: 'tester', type: 'run', job: 'j' }, 'without its environment');
  assert.deepEqual([takenAt, run, refusal], [rig.now, 1, undefined]);
  const step = rig.steps.find(({ writes }) => writes.some(({ key }) => key === `requests/${id}`));
  assert.ok(step?.writes.some(({ key }) => key === resultKey(id)));
});

test('why it could not be done is said', () => {
  const rig = setup();
  rig.request({ type: 'run', job: 'j' });
  const refused: readonly (readonly [RequestBody, string])[] = [
    [{ type: 'mark', job: 'j', run: 1 }, 'running'],
    [{ type: 'retry', job: 'j', run: 1 }, 'not failed'],
    [{ type: 'kill', job: 'j', run: 2 }, 'not active'],
    [{ type: 'backfill', job: 'j', from: 0, to: 1, limit: 1 }, 'no schedule'],
    [{ type: 'run', job: 'none' }, 'no such job'],
  ];
  for (const [body, refusal] of refused) assert.equal(resultOf(rig, rig.request(body))?.refusal, refusal);
  assert.equal(resultOf(rig, rig.request({ type: 'kill', job: 'j', run: 1 }))?.refusal, undefined);
});

test('the newest results are kept, whoever leads', () => {
  const rig = setup();
  const ids: string[] = [];
  const ask = (): void => void ids.push(rig.request({ type: 'kill', job: 'j', run: 1 }));
  while (ids.length < KEPT_RESULTS + 3) ask();
  assert.deepEqual(kept(rig), ids.slice(3).map(resultKey));
  rig.failOver();
  ask();
  assert.deepEqual(kept(rig), ids.slice(4).map(resultKey));
});

test('a job that is gone leaves the results that it has', () => {
  const rig = setup();
  const id = rig.request({ type: 'run', job: 'j' });
  rig.undefine('j');
  rig.failOver();
  assert.equal(resultOf(rig, id)?.run, 1);
});

test.run();
