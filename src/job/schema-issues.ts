/**
 * Turns what zod says about an input into issues for people: a path they can find in what they wrote, and what is allowed.
 * Knows no particular schema; the API uses it for its other bodies and queries too.
 */

import type { z } from 'zod';
import { didYouMean } from './nearest-name.ts';

export interface Issue {
  /** Where: `task.env.A`, `after[1].on`; empty for the whole. */
  readonly path: string;
  /** What is wrong and what is allowed; completes the sentence that begins with the path. */
  readonly message: string;
}

export type PathPart = PropertyKey;

type Schema = z.core.$ZodType;
type RawIssue = z.core.$ZodIssue;

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** `['after', 1, 'on']` as `after[1].on`. */
export function formatPath(path: readonly PathPart[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (PLAIN_KEY.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

/** All issues of a failed parse of `input` by `schema`, in the order found. */
export function describeIssues(schema: Schema, error: z.core.$ZodError, input: unknown): Issue[] {
  return error.issues.flatMap((issue) => describe(schema, issue, { base: [], input }));
}

interface Place {
  /** Path of the value that `schema` describes. */
  readonly base: readonly PathPart[];
  readonly input: unknown;
}

function describe(schema: Schema, issue: RawIssue, place: Place): Issue[] {
  const path = [...place.base, ...issue.path];
  if (issue.code === 'unrecognized_keys') return unknownKeys(schema, issue, path);
  if (issue.code === 'invalid_union') return unionIssues(schema, issue, { base: path, input: place.input });
  if (issue.code === 'invalid_key') return [{ path: formatPath(path), message: `is not a usable name: ${keyMessage(issue)}` }];
  return [{ path: formatPath(path), message: simpleMessage(issue, valueAt(place.input, path)) }];
}

function unknownKeys(schema: Schema, issue: z.core.$ZodIssueUnrecognizedKeys, path: readonly PathPart[]): Issue[] {
  const allowed = keysOf(schemaAt(schema, issue.path));
  return issue.keys.map((key) => {
    const hint = didYouMean(key, allowed) || (allowed.length > 0 ? `; allowed: ${allowed.join(', ')}` : '');
    return { path: formatPath([...path, key]), message: `is not a known field${hint}` };
  });
}

/** Of the alternatives, the one whose kind of value it is explains best; when it is none, all kinds are named. */
function unionIssues(schema: Schema, issue: z.core.$ZodIssueInvalidUnion, place: Place): Issue[] {
  const options = optionsOf(schemaAt(schema, issue.path));
  const kinds: string[] = [];
  for (const [index, issues] of issue.errors.entries()) {
    const wrongKind = issues.find((inner) => inner.code === 'invalid_type' && inner.path.length === 0);
    const option = options[index];
    if (wrongKind?.code === 'invalid_type') kinds.push(kindName(wrongKind.expected));
    else if (option !== undefined) return issues.flatMap((inner) => describe(option, inner, place));
  }
  return [{ path: formatPath(place.base), message: `must be ${kinds.join(' or ')}` }];
}

function keyMessage(issue: z.core.$ZodIssueInvalidKey): string {
  return issue.issues.map((inner) => simpleMessage(inner, '')).join(', ');
}

function simpleMessage(issue: RawIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined ? 'is required' : `must be ${kindName(issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}${typeof value === 'string' ? didYouMean(value, issue.values.map(String)) : ''}`;
    case 'too_small':
      return sizeMessage(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return sizeMessage(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    default:
      return issue.message;
  }
}

function sizeMessage(origin: string, relation: string, bound: number | bigint): string {
  if (origin === 'string')
    return relation === 'at least' && bound === 1 ? 'must not be empty' : `must have ${relation} ${bound} characters`;
  if (origin === 'array') return `must have ${relation} ${bound} item${bound === 1 ? '' : 's'}`;
  return `must be ${relation} ${bound}`;
}

function kindName(expected: string): string {
  if (expected === 'int') return 'a whole number';
  if (expected === 'record') return 'an object';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function valueAt(input: unknown, path: readonly PathPart[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PathPart, unknown>)[part];
  }
  return value;
}

function schemaAt(schema: Schema, path: readonly PathPart[]): Schema | undefined {
  let found: Schema | undefined = unwrap(schema);
  for (const part of path) found = unwrap(step(found, part));
  return found;
}

function step(schema: Schema | undefined, part: PathPart): Schema | undefined {
  const def = definition(schema);
  if (def?.type === 'object') return def.shape[String(part)];
  if (def?.type === 'array') return def.element;
  if (def?.type === 'record') return def.valueType;
  if (def?.type === 'tuple') return def.items[Number(part)];
  // An alternative that is wrong in unknown keys alone is reported as if it were the only one.
  if (def?.type === 'union') return firstOf(def.options, (option) => step(option, part));
  return undefined;
}

function firstOf<T>(options: readonly Schema[], find: (option: Schema) => T | undefined): T | undefined {
  for (const option of options) {
    const found = find(option);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unwrap(schema: Schema | undefined): Schema | undefined {
  let found = schema;
  for (let def = definition(found); def?.type === 'optional' || def?.type === 'default'; def = definition(found)) found = def.innerType;
  return found;
}

function keysOf(schema: Schema | undefined): readonly string[] {
  const def = definition(schema);
  if (def?.type === 'union') return def.options.flatMap((option) => keysOf(option));
  return def?.type === 'object' ? Object.keys(def.shape) : [];
}

function optionsOf(schema: Schema | undefined): readonly Schema[] {
  const def = definition(schema);
  return def?.type === 'union' ? def.options : [];
}

type Definition =
  | z.core.$ZodObjectDef
  | z.core.$ZodArrayDef
  | z.core.$ZodRecordDef
  | z.core.$ZodTupleDef
  | z.core.$ZodOptionalDef
  | z.core.$ZodDefaultDef
  | z.core.$ZodUnionDef;

function definition(schema: Schema | undefined): Definition | undefined {
  return schema?._zod.def as Definition | undefined;
}
