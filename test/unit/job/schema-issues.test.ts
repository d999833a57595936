import assert from 'node:assert/strict';
import { suite } from 'uvu';
import * as z from 'zod';
import { describeIssues, formatPath } from '../../../src/job/schema-issues.ts';

const test = suite('issues of a schema');

/** `path: message` for all that is wrong. */
function issuesOf(schema: z.ZodType, input: unknown): string[] {
  const parsed = schema.safeParse(input);
  return parsed.success ? [] : describeIssues(schema, parsed.error, input).map(({ path, message }) => `${path}: ${message}`);
}

test('a path is written as in a program', () => {
  assert.equal(formatPath([]), '');
  assert.equal(formatPath(['task', 'env', 'A']), 'task.env.A');
  assert.equal(formatPath(['after', 1, 'on']), 'after[1].on');
  assert.equal(formatPath([0, 'a-b', '_$', '9', 'a b', 'x.y']), '[0].a-b._$["9"]["a b"]["x.y"]');
  assert.equal(formatPath(['a b']), '["a b"]');
});

test('a kind of value is named with its article', () => {
  const kinds = z.strictObject({
    a: z.array(z.string()),
    o: z.strictObject({}),
    r: z.record(z.string(), z.string()),
    i: z.int(),
    b: z.boolean(),
  });
  assert.deepEqual(issuesOf(kinds, { a: 1, o: 1, r: 1, i: 'x', b: 1 }), [
    'a: must be an array',
    'o: must be an object',
    'r: must be an object',
    'i: must be a number',
    'b: must be a boolean',
  ]);
  assert.deepEqual(issuesOf(z.int(), 1.5), [': must be a whole number']);
});

test('a bound is named, and whether it is allowed itself', () => {
  assert.deepEqual(issuesOf(z.number().gt(1).lt(9), 1), [': must be more than 1']);
  assert.deepEqual(issuesOf(z.number().gt(1).lt(9), 9), [': must be less than 9']);
  assert.deepEqual(issuesOf(z.number().min(1).max(9), 0), [': must be at least 1']);
  assert.deepEqual(issuesOf(z.number().min(1).max(9), 10), [': must be at most 9']);
  assert.deepEqual(issuesOf(z.string().min(1), ''), [': must not be empty']);
  assert.deepEqual(issuesOf(z.string().min(2), 'a'), [': must have at least 2 characters']);
  assert.deepEqual(issuesOf(z.string().max(1), 'ab'), [': must have at most 1 characters']);
  assert.deepEqual(issuesOf(z.array(z.int()).min(1), []), [': must have at least 1 item']);
  assert.deepEqual(issuesOf(z.array(z.int()).min(2), [1]), [': must have at least 2 items']);
});

test('a word that is none of those allowed is told which are, and which was meant', () => {
  const schema = z.strictObject({ on: z.enum(['success', 'failure']) });
  assert.deepEqual(issuesOf(schema, { on: 'sucess' }), ['on: must be one of success, failure; did you mean "success"?']);
  assert.deepEqual(issuesOf(schema, { on: 'x' }), ['on: must be one of success, failure']);
  assert.deepEqual(issuesOf(schema, { on: 7 }), ['on: must be one of success, failure']);
});

test('unknown fields are told the known ones of the object they stand in, wherever that is', () => {
  const inner = z.strictObject({ alpha: z.string().optional(), omega: z.string().optional() });
  const schema = z.strictObject({
    list: z.array(inner).optional(),
    map: z.record(z.string(), inner).optional(),
    pair: z.tuple([z.string(), inner]).optional(),
    preset: inner.default({}),
    either: z.union([z.string(), inner]).optional(),
    deep: z.array(z.union([z.string(), z.strictObject({ in: inner })])).optional(),
  });
  const known = 'is not a known field; allowed: alpha, omega';
  assert.deepEqual(issuesOf(schema, { list: [{}, { x: 1 }] }), [`list[1].x: ${known}`]);
  assert.deepEqual(issuesOf(schema, { map: { 'a b': { x: 1 } } }), [`map["a b"].x: ${known}`]);
  assert.deepEqual(issuesOf(schema, { pair: ['a', { x: 1 }] }), [`pair[1].x: ${known}`]);
  assert.deepEqual(issuesOf(schema, { preset: { x: 1, y: 1 } }), [`preset.x: ${known}`, `preset.y: ${known}`]);
  assert.deepEqual(issuesOf(schema, { either: { alpa: 1 } }), ['either.alpa: is not a known field; did you mean "alpha"?']);
  assert.deepEqual(issuesOf(schema, { deep: ['a', { in: { x: 1 } }] }), [`deep[1].in.x: ${known}`]);
  assert.deepEqual(issuesOf(z.strictObject({}), { x: 1 }), ['x: is not a known field']);
});

test('of alternatives the one whose kind of value was given explains, or all kinds are named', () => {
  const schema = z.strictObject({ command: z.union([z.string().min(1), z.array(z.string().max(2)).min(1)]) });
  assert.deepEqual(issuesOf(schema, { command: 5 }), ['command: must be a string or an array']);
  assert.deepEqual(issuesOf(schema, { command: '' }), ['command: must not be empty']);
  assert.deepEqual(issuesOf(schema, { command: [] }), ['command: must have at least 1 item']);
  assert.deepEqual(issuesOf(schema, { command: ['a', 'abc', 7] }), [
    'command[1]: must have at most 2 characters',
    'command[2]: must be a string',
  ]);
});

test('what is missing is required, and null is a value', () => {
  const schema = z.strictObject({ a: z.string(), b: z.strictObject({ c: z.string() }) });
  assert.deepEqual(issuesOf(schema, { b: {} }), ['a: is required', 'b.c: is required']);
  assert.deepEqual(issuesOf(schema, { a: null, b: null }), ['a: must be a string', 'b: must be an object']);
});

test('a name that can not be used says why', () => {
  const schema = z.strictObject({
    env: z.record(
      z
        .string()
        .max(3)
        .regex(/^[a-z]+$/, { error: 'must be letters' }),
      z.string(),
    ),
  });
  assert.deepEqual(issuesOf(schema, { env: { A1B2: 'x' } }), [
    'env.A1B2: is not a usable name: must have at most 3 characters, must be letters',
  ]);
});

test.run();
