/** Documentation that names something names something that is there. */

import * as assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import { validateSpec } from '../../../src/job/validate-spec.ts';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../../src/telemetry/series.ts';
import type { Series } from '../../../src/telemetry/series.ts';

const test = suite('docs');

const root = join(import.meta.dirname, '../../..');

interface Page {
  readonly path: string;
  readonly text: string;
}

const pages: readonly Page[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'deploy'].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name)),
  ),
]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Links to files, relative to the page. */
function brokenLinks({ path, text }: Page): readonly string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target)))
    .map((target) => `${path}: no ${target}`);
}

/** Source files in backticks: from the root, in src, or in src/engine, whose modules a table of the architecture lists by name. */
function missingFiles({ path, text }: Page): readonly string[] {
  return [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|yaml|yml))`/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !['', 'src', 'src/engine', 'src/job', dirname(path)].some((dir) => existsSync(join(root, dir, name))))
    .map((name) => `${path}: no ${name}`);
}

function rowOf({ name, help, labels }: Series): string {
  return `| \`${name}${labels === undefined ? '' : `{${labels.join(',')}}`}\` | ${help} |`;
}

test('there are pages', () => assert.ok(pages.length > 5));

test('links lead somewhere', () => assert.deepEqual(pages.flatMap(brokenLinks), []));
test('a link that does not is named', () => {
  const text = '[a](https://x.y) [b](architecture.md#x) [c](gone.md) [d](../README.md)';
  assert.deepEqual(brokenLinks({ path: 'docs/page.md', text }), ['docs/page.md: no gone.md']);
});

test('source files that are named are there', () => assert.deepEqual(pages.flatMap(missingFiles), []));
test('one that is not is named', () => {
  const text = '`engine/world.ts` `world.ts` `src/telemetry/series.ts` `engine/gone.ts`';
  assert.deepEqual(missingFiles({ path: 'docs/page.md', text }), ['docs/page.md: no engine/gone.ts']);
});

test('the jobs in the README are definitions', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const bodies = [...readme.matchAll(/-d '(\{[^']*\})'/g)].map((match) => JSON.parse(match[1] ?? '') as unknown);
  assert.equal(bodies.length, 2);
  for (const body of bodies) assert.equal(validateSpec(body).ok, true);
});

test('the page of metrics lists each as it is', () => {
  const text = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
  const rows = [COUNTERS, HISTOGRAMS, GAUGES].flatMap((table) => Object.values<Series>(table).map(rowOf));
  assert.deepEqual(
    text.split('\n').filter((line) => line.startsWith('| `kairos_')),
    rows,
  );
});

test.run();
