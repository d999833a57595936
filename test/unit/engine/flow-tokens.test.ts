import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { satisfies, withToken } from '../../../src/engine/flow-tokens.ts';
import type { FlowTokens, Outcome } from '../../../src/engine/records.ts';
import type { EdgeCondition } from '../../../src/job/job.ts';

const test = suite('flow tokens');

const OUTCOMES: readonly Outcome[] = ['succeeded', 'failed', 'killed', 'skipped', 'missed'];

test('a condition is met by what it names; a run that never took place meets none', () => {
  const met = (on: EdgeCondition): Outcome[] => OUTCOMES.filter((outcome) => satisfies(outcome, on));
  assert.deepEqual(met('success'), ['succeeded']);
  assert.deepEqual(met('failure'), ['failed', 'killed']);
  assert.deepEqual(met('completion'), ['succeeded', 'failed', 'killed']);
});

test('a word counts, and of those that block ten are named', () => {
  const edge = (job: string) => ({ job, on: 'success' }) as const;
  let held: FlowTokens = { spoken: 0, of: 12 };
  held = withToken(held, { edge: edge('p0'), outcome: 'succeeded' });
  assert.deepEqual(held, { spoken: 1, of: 12 });
  for (let parent = 1; parent <= 11; parent++) held = withToken(held, { edge: edge(`p${parent}`), outcome: 'failed' });
  assert.deepEqual(held, { spoken: 12, of: 12, blocked: ['p1', 'p10', 'p11', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8'] });
});

test.run();
