import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { createRouter } from '../../../src/api/create-api.ts';
import { PROBLEMS } from '../../../src/api/errors.ts';
import { MOST_LOG_FOLLOWERS } from '../../../src/api/follower-limit.ts';
import type { ApiParts } from '../../../src/api/parts.ts';
import { BODY_LIMIT_BYTES } from '../../../src/api/request-body.ts';
import { LARGEST_BACKFILL } from '../../../src/api/v1/backfills.ts';
import { WHY_CODES } from '../../../src/api/why/explanation.ts';

const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');

function matches(pattern: RegExp, text: string = page): string[][] {
  return [...text.matchAll(pattern)].map((match) => match.slice(1));
}

/** The text under a heading, up to the next one of any level. */
function section(heading: string): string {
  const [, rest = ''] = page.split(`\n${heading}\n`);
  return rest.split(/\n##+ /)[0] ?? '';
}

function documented(): string[] {
  return matches(/^### ([A-Z]+ \/\S*)$/gm).map(([route = '']) => route);
}

test('the page names exactly the routes there are', () => {
  // Handlers are not called, so they need nothing.
  const router = createRouter({} as ApiParts);
  const routes = router.stack.flatMap(({ methods, path }) => {
    const shown = String(path).replaceAll(/:(\w+)/g, '{$1}');
    return methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${shown}`);
  });
  assert.ok(routes.length > 20);
  assert.deepEqual(documented().sort(), routes.sort());
});

test('the page names exactly the problems there are, as they are', () => {
  const rows = matches(/^\| `([a-z-]+)` \| (\d{3}) \| (.+) \|$/gm, section('## Problems'));
  assert.deepEqual(
    rows,
    Object.entries(PROBLEMS).map(([code, { status, title }]) => [code, String(status), title]),
  );
});

test('every problem that an endpoint is said to have is one', () => {
  const named = matches(/Problems: ([^\n]+)/g).flatMap(([list = '']) => matches(/(?<!with )`([a-z-]+)`(?! and `|\))/g, list).flat());
  assert.ok(named.length > 30);
  const allowed = new Set<string>([...Object.keys(PROBLEMS), 'issues', 'limit', 'state', 'children', 'at']);
  assert.deepEqual(
    named.filter((code) => !allowed.has(code)),
    [],
  );
});

test('the page explains exactly the answers to why', () => {
  const rows = matches(/^\| `([a-z-]+)` \| (.+) \|$/gm, section('## Why'));
  assert.deepEqual(rows, Object.entries(WHY_CODES));
});

test('every endpoint has an example that asks it', () => {
  for (const route of documented()) {
    const [method = '', path = ''] = route.split(' ');
    const pattern = new RegExp(`\\$KAIROS${path.replaceAll(/\{\w+\}/g, '[\\w.]+')}["?]`);
    const examples = section(`### ${route}`)
      .split('\n')
      .filter((line) => line.includes('curl '));
    const asks = examples.filter(
      (line) => pattern.test(line) && (method === 'GET' ? !line.includes('-X') : line.includes(`-X ${method} `)),
    );
    assert.ok(asks.length > 0, `${route} has no example`);
  }
});

test('the limits on the page are those of the code', () => {
  for (const limit of [BODY_LIMIT_BYTES, LARGEST_BACKFILL]) assert.ok(page.includes(limit.toLocaleString('en-US')), String(limit));
  assert.ok(page.includes(`at most ${MOST_LOG_FOLLOWERS} logs`));
});

test.run();
