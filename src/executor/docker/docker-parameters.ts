/**
 * A job's `dockerParameters`: the options of `docker run` that a definition may use, by their long names. What changes how
 * a task is isolated from the machine (privileged, devices, pid, ...) is not among them, nor what Kairos sets itself.
 */

export interface DockerParameter {
  readonly key: string;
  readonly value: string;
}

/** Parts of the body of `POST /containers/create`. */
export interface ParameterSettings {
  readonly config: Readonly<Record<string, unknown>>;
  readonly host: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
}

type Target = 'config' | 'host';

interface Option {
  readonly target: Target;
  /** The field of the API. */
  readonly field: string;
  /** Throws RangeError when the value is not allowed. */
  readonly parse: (value: string) => unknown;
  /** Whether it may be given more than once: lists are joined, objects merged. */
  readonly many?: true;
}

const text = (value: string): string => value;
const one = (value: string): readonly string[] => [value];

const OPTIONS: Readonly<Record<string, Option>> = {
  'add-host': { target: 'host', field: 'ExtraHosts', parse: one, many: true },
  'cap-add': { target: 'host', field: 'CapAdd', parse: one, many: true },
  'cap-drop': { target: 'host', field: 'CapDrop', parse: one, many: true },
  dns: { target: 'host', field: 'Dns', parse: one, many: true },
  entrypoint: { target: 'config', field: 'Entrypoint', parse: one },
  'group-add': { target: 'host', field: 'GroupAdd', parse: one, many: true },
  hostname: { target: 'config', field: 'Hostname', parse: text },
  init: { target: 'host', field: 'Init', parse: flag },
  'pids-limit': { target: 'host', field: 'PidsLimit', parse: count },
  'read-only': { target: 'host', field: 'ReadonlyRootfs', parse: flag },
  'shm-size': { target: 'host', field: 'ShmSize', parse: bytes },
  'stop-signal': { target: 'config', field: 'StopSignal', parse: text },
  tmpfs: { target: 'host', field: 'Tmpfs', parse: tmpfs, many: true },
  ulimit: { target: 'host', field: 'Ulimits', parse: ulimit, many: true },
  workdir: { target: 'config', field: 'WorkingDir', parse: text },
};

/** Throws RangeError, with the parameter named, for one that is unknown or has a value that can't be. */
export function parameterSettings(parameters: readonly DockerParameter[]): ParameterSettings {
  const settings = { config: {}, host: {}, labels: {} } satisfies Record<keyof ParameterSettings, object>;
  for (const { key, value } of parameters) {
    if (key === 'label') Object.assign(settings.labels, pair(value, ''));
    else set(settings, key, value);
  }
  return settings;
}

function set(settings: Record<Target, Record<string, unknown>>, key: string, value: string): void {
  const option = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
  if (option === undefined) {
    throw new RangeError(`dockerParameters: ${key} is not allowed; allowed are label, ${Object.keys(OPTIONS).join(', ')}`);
  }
  const fields = settings[option.target];
  const before = fields[option.field];
  if (before !== undefined && option.many === undefined) throw new RangeError(`dockerParameters: ${key} is given more than once`);
  fields[option.field] = join(before, parse(key, value, option));
}

function parse(key: string, value: string, option: Option): unknown {
  try {
    return option.parse(value);
  } catch (error) {
    throw new RangeError(`dockerParameters: ${key}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function join(before: unknown, value: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(value)) return [...(before as unknown[]), ...(value as unknown[])];
  return typeof before === 'object' && typeof value === 'object' ? { ...before, ...value } : value;
}

function flag(value: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new RangeError(`'${value}' is neither true nor false`);
}

function count(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new RangeError(`'${value}' is not a whole number`);
  return Number(value);
}

const UNITS = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

function bytes(value: string): number {
  const [, number, unit = ''] = /^(\d{1,12})([bkmg]?)$/i.exec(value) ?? [];
  if (number === undefined) throw new RangeError(`'${value}' is not a size such as 64m`);
  return Number(number) * UNITS[unit.toLowerCase() as keyof typeof UNITS];
}

/** `/run:size=64m` */
function tmpfs(value: string): Record<string, string> {
  const [path = '', ...options] = value.split(':');
  if (!path.startsWith('/')) throw new RangeError(`'${value}' does not begin with an absolute path`);
  return { [path]: options.join(':') };
}

/** `nofile=1024:2048` */
function ulimit(value: string): readonly object[] {
  const [, name, soft, hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value) ?? [];
  if (name === undefined) throw new RangeError(`'${value}' is not of the form name=soft:hard`);
  return [{ Name: name, Soft: Number(soft), Hard: Number(hard) }];
}

function pair(value: string, absent: string): Record<string, string> {
  const at = value.indexOf('=');
  return at < 0 ? { [value]: absent } : { [value.slice(0, at)]: value.slice(at + 1) };
}
