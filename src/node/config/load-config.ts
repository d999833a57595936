/**
 * The configuration in four layers: defaults, then a YAML file, then the environment, then flags; the later wins, key by key.
 *
 * A key's name in the environment is its path in capitals: `store.etcd.leaseTtlMs` is KAIROS_STORE_ETCD_LEASE_TTL_MS. Values there
 * and in flags are read as YAML where the key is not a text, so lists are `[a, b]`.
 */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { nearestName } from '../../job/nearest-name.ts';
import { type Config, configSchema } from './schema.ts';

export class ConfigError extends Error {
  readonly code = 'E_CONFIG';

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

export interface ConfigSources {
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `path=value`, as given to --set. */
  readonly flags?: readonly string[];
}

type Tree = { [key: string]: unknown };

const ENV_PREFIX = 'KAIROS_';

export function loadConfig({ file, env = {}, flags = [] }: ConfigSources): Config {
  const tree: Tree = file === undefined ? {} : readFile(file);
  const paths = leafPaths(configSchema);
  for (const [name, path] of environmentNames(paths)) {
    const value = env[name];
    if (value !== undefined) setAt(tree, path, readValue(value, name, path));
  }
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    if (equals < 1) throw new ConfigError(`--set ${flag}: give path=value, for example --set api.port=4400`);
    const path = flag.slice(0, equals);
    if (!paths.includes(path)) throw new ConfigError(`--set ${path}: there is no such key${suggestion(path, paths)}`);
    setAt(tree, path, readValue(flag.slice(equals + 1), `--set ${path}`, path));
  }
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) throw new ConfigError(describe(parsed.error, paths));
  return parsed.data;
}

function readFile(file: string): Tree {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) throw new ConfigError(`${file}: expected keys and values at the top`);
  return content as Tree;
}

/** Keys whose value is text are taken as they stand: a prefix of `1` is not a number. */
function readValue(value: string, source: string, path: string): unknown {
  if (isText(path)) return value;
  try {
    return parse(value) as unknown;
  } catch (error) {
    throw new ConfigError(`${source}: ${String(error)}`, { cause: error });
  }
}

function describe(error: z.ZodError, paths: readonly string[]): string {
  const lines = error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys') return [`${path}: ${issue.message}`];
    return issue.keys.map((key) => {
      const full = path === '' ? key : `${path}.${key}`;
      return `${full}: there is no such key${suggestion(full, paths)}`;
    });
  });
  return `the configuration can not be used:\n  ${lines.join('\n  ')}`;
}

function suggestion(path: string, paths: readonly string[]): string {
  const near = nearestName(path, paths);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function setAt(tree: Tree, path: string, value: unknown): void {
  const keys = path.split('.');
  let at = tree;
  for (const key of keys.slice(0, -1)) {
    const next = at[key];
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) at = next as Tree;
    else at = at[key] = {};
  }
  at[keys.at(-1) as string] = value;
}

/** `store.etcd.leaseTtlMs` -> `KAIROS_STORE_ETCD_LEASE_TTL_MS`. */
export function environmentName(path: string): string {
  return (
    ENV_PREFIX +
    path
      .replace(/([a-z])([A-Z])/g, '$1_$2')
      .replaceAll('.', '_')
      .toUpperCase()
  );
}

function environmentNames(paths: readonly string[]): Map<string, string> {
  return new Map(paths.map((path) => [environmentName(path), path]));
}

/** Every key that holds a value, as a path. */
export function leafPaths(schema: z.ZodType, prefix = ''): string[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [prefix];
  return Object.entries(inner.shape).flatMap(([key, child]) => leafPaths(child as z.ZodType, prefix === '' ? key : `${prefix}.${key}`));
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) inner = inner.unwrap() as z.ZodType;
  return inner;
}

function isText(path: string): boolean {
  let schema: z.ZodType = configSchema;
  for (const key of path.split('.')) schema = (unwrap(schema) as z.ZodObject).shape[key] as z.ZodType;
  const leaf = unwrap(schema);
  return leaf instanceof z.ZodString || leaf instanceof z.ZodEnum;
}
