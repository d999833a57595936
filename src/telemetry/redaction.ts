/**
 * Takes secrets out of what is about to be logged.
 *
 * Invariants: the input is never changed; a value under a secret's name, a value in an `env` object and the user part of a URL
 * never come out; the output is plain JSON data of bounded depth and length, whatever was put in.
 */

export type Fields = Readonly<Record<string, unknown>>;

const REDACTED = '[redacted]';
const DEEPEST = 6;
const LONGEST_STRING = 8_192;
const LONGEST_ARRAY = 100;

/** Names, in lower case and without `-` and `_`, that a secret goes by, alone or at the end of a longer name. */
const SECRET_NAMES = [
  'password',
  'passwd',
  'secret',
  'token',
  'apikey',
  'privatekey',
  'credential',
  'credentials',
  'authorization',
  'cookie',
];

const URL_USER = /(:\/\/)[^/\s@]+@/g;

/** A copy of `fields` that may be written to a log. */
export function redact(fields: Fields): Record<string, unknown> {
  return redactObject(fields, 0);
}

function redactObject(object: Fields, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue;
    if (isSecretName(name)) copy[name] = REDACTED;
    else if (name === 'env' && isObject(value)) copy[name] = namesOnly(value);
    else copy[name] = redactValue(value, depth + 1);
  }
  return copy;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  // As a string: JSON readers would round it.
  if (typeof value === 'bigint') return value.toString();
  if (!isObject(value)) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
  if (depth >= DEEPEST) return '[deeper]';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return redactArray(value, depth);
  return redactObject(value, depth);
}

function redactArray(items: readonly unknown[], depth: number): unknown[] {
  const copy = items.slice(0, LONGEST_ARRAY).map((item) => redactValue(item, depth + 1));
  if (items.length > LONGEST_ARRAY) copy.push(`[${items.length - LONGEST_ARRAY} more]`);
  return copy;
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const own = redactObject(Object.fromEntries(Object.entries(error)), depth);
  const cause = error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) };
  return { ...own, type: error.name, message: redactText(error.message), stack: redactText(error.stack ?? ''), ...cause };
}

function redactText(text: string): string {
  const short = text.length > LONGEST_STRING ? `${text.slice(0, LONGEST_STRING)}[${text.length - LONGEST_STRING} more]` : text;
  return short.includes('://') ? short.replace(URL_USER, `$1${REDACTED}@`) : short;
}

/** Which variables a task got may be known; what is in them may not. */
function namesOnly(env: Fields): unknown {
  if (Array.isArray(env)) return env.map(() => REDACTED);
  return Object.fromEntries(Object.keys(env).map((name) => [name, REDACTED]));
}

function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_]/g, '');
  return SECRET_NAMES.some((secret) => plain.endsWith(secret));
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
