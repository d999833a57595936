import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { compilePattern } from '../../../src/job/pattern.ts';

const test = suite('pattern');

function matches(pattern: string, text: string): boolean | string {
  const compiled = compilePattern(pattern);
  return compiled.ok ? compiled.matches(text) : compiled.problem;
}

test('a pattern matches the whole text or not at all', () => {
  for (const [pattern, text, expected] of [
    ['r[12]', 'r1', true],
    ['r', 'r1', false],
    ['1', 'r1', false],
    ['r|r1', 'r1', true],
    ['r$', 'r\n', false],
    ['^r1$', 'r1', true],
    ['', '', true],
    ['(?i)node-\\d{1,3}\\.dc1', 'NODE-17.dc1', true],
    ['\\Qa.b\\E', 'a.b', true],
    ['\\Qa.b\\E', 'axb', false],
    ['[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '9f2c0a11-0000-4000-8000-00000000abcd', true],
  ] as const) {
    assert.equal(matches(pattern, text), expected, `${pattern} on ${text}`);
  }
});

// One that backtracks does not come to an end here.
test('no pattern takes long on any text, those that others would take years for neither', () => {
  for (const pattern of ['(a+)+$', '(a|aa)+', '(a*)*b', '([a-z]+)*\\d', '(.*a){20}', '(a?){50}a{50}']) {
    for (const length of [40, 10_000]) assert.equal(matches(pattern, `${'a'.repeat(length)}!`), false, pattern);
  }
});

test('what can not be matched in linear time is refused, and said to be', () => {
  for (const pattern of ['(?=a)b', '(?!a)b', '(?<=a)b', '(?<!a)b', '(a)\\1', 'a++', '(?>a)', '[', '(', '*', '\\']) {
    assert.match(String(matches(pattern, 'a')), /^must be a regular expression, without lookaround and backreferences: /, pattern);
  }
});

test('what is long, or would be if written out, is refused', () => {
  assert.equal(matches('a'.repeat(256), 'a'), false);
  assert.equal(matches('a'.repeat(257), 'a'), 'must have at most 256 characters');
  for (const pattern of [`(${'a?'.repeat(120)}){1000}`, `((${'a'.repeat(200)}){31}){31}`, '.{1000}', '.{900}.{900}', '(.{30}){30}']) {
    assert.equal(matches(pattern, 'a'), pattern === '(.{30}){30}' ? false : 'must repeat less: written out, it is too long', pattern);
  }
});

test('patterns that are not remembered any more match as before', () => {
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 1_500; index++) assert.equal(matches(`r${index}`, `r${index}`), true);
  }
});

test.run();
