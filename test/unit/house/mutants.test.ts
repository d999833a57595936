/** Each defect of the simulation's list still fits the code: what it looks for stands in its file, once. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import { ALL_MUTANTS } from '../../simulation/mutants/all-mutants.ts';

const test = suite('mutants');
const ROOT = join(import.meta.dirname, '..', '..', '..');

test('each stands for one place in the code', () => {
  const places = ALL_MUTANTS.map(({ name, file, find }) => [name, readFileSync(join(ROOT, file), 'utf8').split(find).length - 1]);
  assert.deepEqual(
    places.filter(([, count]) => count !== 1),
    [],
  );
});

test('no name comes twice', () => {
  assert.equal(new Set(ALL_MUTANTS.map(({ name }) => name)).size, ALL_MUTANTS.length);
});

test.run();
