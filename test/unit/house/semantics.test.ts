/** docs/semantics.md names the test that pins each rule; here it is checked that there is such a test. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** Rows of the tables: the file's stem and the test's name. */
function pins(page: string): { readonly file: string; readonly name: string }[] {
  return [...page.matchAll(/^\|[^|]+\| ([a-z-]+): (.+) \|$/gm)].map(([, file, name]) => ({ file: file as string, name: name as string }));
}

test('every rule of the semantics names a test that exists', () => {
  const found = pins(read('docs/semantics.md'));
  assert.ok(found.length > 50, `only ${found.length} rules were read`);
  for (const { file, name } of found) {
    assert.ok(read(`test/unit/engine/${file}.test.ts`).includes(`test('${name}'`), `${file}.test.ts has no test '${name}'`);
  }
});

test('every row of the tables pins its rule', () => {
  const rows = [...read('docs/semantics.md').matchAll(/^\| (?!rule|-)(.+)$/gm)];
  assert.equal(rows.length, pins(read('docs/semantics.md')).length);
});

test.run();
