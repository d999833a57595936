/** Each defect of the simulation's list still fits the code: what it looks for stands in its file, once. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import { ENGINE_MUTANTS } from '../../simulation/mutants/engine-mutants.ts';
import { RUN_MUTANTS } from '../../simulation/mutants/run-mutants.ts';
import { WRITE_PATH_MUTANTS } from '../../simulation/mutants/write-path-mutants.ts';

const test = suite('mutants');
const ROOT = join(import.meta.dirname, '..', '..', '..');
const ALL = [...ENGINE_MUTANTS, ...RUN_MUTANTS, ...WRITE_PATH_MUTANTS];

test('each stands for one place in the code', () => {
  const places = ALL.map(({ name, file, find }) => [name, readFileSync(join(ROOT, file), 'utf8').split(find).length - 1]);
  assert.deepEqual(
    places.filter(([, count]) => count !== 1),
    [],
  );
});

test('no name comes twice', () => {
  assert.equal(new Set(ALL.map(({ name }) => name)).size, ALL.length);
});

test.run();
