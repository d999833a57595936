/** Every bound of a definition's fields, asked about at the bound and one beyond it. */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { validateSpec } from '../../../src/job/validate-spec.ts';

const test = suite('bounds of a definition');

type Fields = Record<string, unknown>;

/** A definition that has one of everything, none of it near a bound. */
function base(): Fields {
  return {
    name: 'a',
    task: {
      image: 'i',
      network: 'bridge',
      cpus: 0.01,
      mem: 1,
      limits: {},
      env: {},
      secrets: {},
      ports: [{}],
      volumes: [{ containerPath: '/c', source: 'v', driver: 'd', driverOptions: {} }],
      artifacts: [{ uri: 'u' }],
      dockerParameters: [{ key: 'k', value: 'v' }],
    },
    constraints: [['a', 'EQUALS', 'x']],
    retry: {},
    labels: {},
  };
}

/** The definition with `value` at a path such as `task.ports[0].name`. */
function baseWith(path: string, value: unknown): Fields {
  const spec = base();
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop() ?? '';
  let place = spec;
  for (const key of keys) place = (place[key] ??= {}) as Fields;
  place[last] = value;
  return spec;
}

/** What is said about the size of the value at this path. */
function complaints(path: string, value: unknown): string[] {
  const validation = validateSpec(baseWith(path, value));
  if (validation.ok) return [];
  return validation.issues.filter((issue) => issue.path === path && isAboutSize(issue.message)).map(({ message }) => message);
}

function isAboutSize(message: string): boolean {
  return /^must (be|have) (at least|at most) [\d.]+|^must not be empty$/.test(message);
}

const NUMBERS: readonly (readonly [path: string, least: number, most: number])[] = [
  ['priority', 0, 9],
  ['keepRuns', 1, 1_000],
  ['retry.attempts', 1, 1_000],
  ['retry.factor', 1, 100],
  ['retry.jitter', 0, 1],
  ['retry.on[0]', 1, 255],
  ['task.cpus', 0.01, 4_096],
  ['task.mem', 1, 67_108_864],
  ['task.disk', 0, 67_108_864],
  ['task.gpus', 0, 256],
  ['task.shmSize', 1, 1_048_576],
  ['task.limits.cpus', 0.01, 4_096],
  ['task.limits.mem', 1, 67_108_864],
  ['task.ports[0].hostPort', 0, 65_535],
  ['task.ports[0].containerPort', 0, 65_535],
];

for (const [path, least, most] of NUMBERS) {
  test(`${path} is from ${least} to ${most}`, () => {
    const field = path === 'retry.on[0]' ? (value: number): string[] => exitCode(value) : (value: number) => complaints(path, value);
    assert.deepEqual(field(least), []);
    assert.deepEqual(field(most), []);
    assert.deepEqual(field(least - 1), [`must be at least ${least}`]);
    assert.deepEqual(field(most + 1), [`must be at most ${most}`]);
  });
}

function exitCode(value: number): string[] {
  const validation = validateSpec({ ...base(), retry: { on: [value] } });
  return validation.ok ? [] : validation.issues.map(({ message }) => message);
}

const TEXTS: readonly (readonly [path: string, least: 0 | 1, most: number])[] = [
  ['schedule', 1, 512],
  ['timeZone', 1, 64],
  ['timeout', 0, 64],
  ['owner', 0, 256],
  ['description', 0, 4_096],
  ['labels.a', 0, 256],
  ['constraints[0][0]', 1, 128],
  ['constraints[0][2]', 0, 1_024],
  ['after[0]', 0, 128],
  ['task.image', 1, 512],
  ['task.command', 1, 65_536],
  ['task.user', 1, 128],
  ['task.env.A', 0, 65_536],
  ['task.secrets.A', 0, 128],
  ['task.pullSecret', 0, 128],
  ['task.hostname', 0, 63],
  ['task.network', 1, 128],
  ['task.ports[0].name', 1, 63],
  ['task.volumes[0].containerPath', 1, 4_096],
  ['task.volumes[0].source', 1, 4_096],
  ['task.volumes[0].driver', 1, 256],
  ['task.volumes[0].driverOptions.a', 0, 4_096],
  ['task.artifacts[0].uri', 1, 2_048],
  ['task.artifacts[0].destination', 1, 1_024],
  ['task.dockerParameters[0].key', 1, 128],
  ['task.dockerParameters[0].value', 0, 4_096],
];

for (const [path, least, most] of TEXTS) {
  test(`${path} has ${least === 1 ? 'a character and ' : ''}at most ${most} characters`, () => {
    const put = path === 'after[0]' ? parent : (text: string): string[] => complaints(path, text);
    assert.deepEqual(put('x'), []);
    assert.deepEqual(put('x'.repeat(most)), []);
    assert.deepEqual(put('x'.repeat(most + 1)), [`must have at most ${most} characters`]);
    assert.deepEqual(put(''), least === 1 ? ['must not be empty'] : []);
  });
}

function parent(name: string): string[] {
  const validation = validateSpec({ ...base(), after: [name] });
  return validation.ok ? [] : validation.issues.map(({ message }) => message).filter(isAboutSize);
}

const LISTS: readonly (readonly [path: string, most: number, item: (index: number) => unknown])[] = [
  ['after', 1_000, (index) => `p${index}`],
  ['constraints', 50, () => ['a', 'UNIQUE']],
  ['retry.on', 255, (index) => (index % 255) + 1],
  ['task.command', 1_024, () => 'x'],
  ['task.ports', 100, () => ({})],
  ['task.volumes', 100, () => ({ containerPath: '/c', source: 'v' })],
  ['task.artifacts', 100, () => ({ uri: 'u' })],
  ['task.dockerParameters', 100, () => ({ key: 'k', value: 'v' })],
];

for (const [path, most, item] of LISTS) {
  test(`${path} has at most ${most} items`, () => {
    const items = Array.from({ length: most + 1 }, (_, index) => item(index));
    assert.deepEqual(validateSpec(baseWith(path, items.slice(1))), { ok: true, spec: baseWith(path, items.slice(1)) });
    assert.deepEqual(complaints(path, items), [`must have at most ${most} items`]);
  });
}

test('a list of exit codes names one', () => {
  assert.deepEqual(complaints('retry.on', []), ['must have at least 1 item']);
});

const NAMED: readonly (readonly [path: string, most: number, what: string])[] = [
  ['labels', 64, 'labels'],
  ['task.env', 512, 'variables'],
  ['task.secrets', 100, 'secrets'],
  ['task.volumes[0].driverOptions', 100, 'options'],
];

for (const [path, most, what] of NAMED) {
  test(`${path} has at most ${most} ${what}`, () => {
    const entries = Array.from({ length: most + 1 }, (_, index) => [`N${index}`, 'v']);
    assert.equal(validateSpec(baseWith(path, Object.fromEntries(entries.slice(1)))).ok, true);
    assert.deepEqual(complaints(path, Object.fromEntries(entries)), [`must have at most ${most} ${what}`]);
  });
}

const KEYS: readonly (readonly [path: string, most: number])[] = [
  ['labels', 256],
  ['task.env', 256],
  ['task.secrets', 256],
  ['task.volumes[0].driverOptions', 128],
];

for (const [path, most] of KEYS) {
  test(`a name in ${path} has at most ${most} characters`, () => {
    const longest = 'N'.repeat(most);
    assert.equal(validateSpec(baseWith(path, { [longest]: 'v' })).ok, true);
    const validation = validateSpec(baseWith(path, { [`${longest}N`]: 'v' }));
    assert.deepEqual(validation.ok ? [] : validation.issues, [
      { path: `${path}.${longest}N`, message: `is not a usable name: must have at most ${most} characters` },
    ]);
  });
}

test('an environment has at most 65,536 bytes, names and separators counted', () => {
  const env = (bytes: number): Fields => ({ A: 'é'.repeat((bytes - 3 - 3) / 2), B: '' });
  assert.deepEqual(complaints('task.env', env(65_536)), []);
  assert.deepEqual(complaints('task.env', env(65_538)), ['must have at most 65536 bytes in all']);
});

test('a definition has at most 131,072 bytes as JSON', () => {
  const sized = (bytes: number): Fields => {
    const spec = { ...base(), task: { command: ['x'.repeat(60_000), 'x'.repeat(60_000), ''] } };
    spec.task.command[2] = 'x'.repeat(bytes - JSON.stringify(spec).length);
    return spec;
  };
  assert.equal(validateSpec(sized(131_072)).ok, true);
  assert.equal(validateSpec(sized(131_073)).ok, false);
});

test('a duration is at most ten years of 365 days, and may be zero where waiting is meant', () => {
  for (const field of ['timeout', 'startingDeadline', 'killGrace', 'unreachableTimeout', 'retry.delay', 'retry.maxDelay']) {
    assert.deepEqual(complaintsAbout(field, 'P3650D'), []);
    assert.deepEqual(complaintsAbout(field, 'P3650DT1S'), ['must be at most ten years']);
    const isLimit = field === 'timeout' || field === 'startingDeadline';
    assert.deepEqual(complaintsAbout(field, 'PT0S'), isLimit ? ['must be longer than zero'] : []);
    assert.deepEqual(complaintsAbout(field, 'PT0.001S'), []);
  }
});

function complaintsAbout(path: string, value: unknown): string[] {
  const validation = validateSpec(baseWith(path, value));
  return validation.ok ? [] : validation.issues.filter((issue) => issue.path === path).map(({ message }) => message);
}

const WORDS: readonly (readonly [path: string, words: readonly string[]])[] = [
  ['overlap', ['forbid', 'queue', 'allow', 'replace']],
  ['catchUp', ['none', 'last', 'all']],
  ['placement', ['pack', 'spread']],
  ['task.pull', ['always', 'missing', 'never']],
  ['task.ports[0].protocol', ['tcp', 'udp']],
  ['task.volumes[0].mode', ['ro', 'rw']],
];

for (const [path, words] of WORDS) {
  test(`${path} is one of ${words.join(', ')}`, () => {
    for (const word of words) assert.deepEqual(complaintsAbout(path, word), []);
    assert.deepEqual(complaintsAbout(path, 'zzzzzz'), [`must be one of ${words.join(', ')}`]);
  });
}

const SHAPES: readonly (readonly [path: string, good: readonly string[], bad: readonly string[], says: RegExp])[] = [
  ['task.image', ['i', 'r.example/a:1@sha256:x'], ['a b', ' a', 'a '], /must not contain spaces/],
  ['task.network', ['bridge', 'my_net-1.x'], ['-a', 'a/', '/a', 'a b'], /name of a network/],
  ['task.hostname', ['a', 'a1', 'a-b-c'], ['-a', 'a-', 'a.b', 'a_b'], /letters, digits and -/],
  ['task.pullSecret', ['a', '_a.b-c'], ['.a', 'a/b', '../a', 'a b'], /not beginning with a dot/],
  ['task.secrets.A', ['a', '_a.b-c'], ['.a', 'a/b', 'a/../../b'], /not beginning with a dot/],
  ['task.volumes[0].source', ['v', 'v_1.x-y'], ['-v', 'v/x', './v'], /name of a Docker volume/],
  ['task.volumes[0].driver', ['d', 'r/d:1.0'], ['-d', 'd e'], /volume driver/],
  ['task.artifacts[0].destination', ['a', 'a/b..c', 'a/'], ['/a', '../a', 'a/../b', 'a/..'], /relative path without/],
];

for (const [path, good, bad, says] of SHAPES) {
  test(`${path} has the shape of what it names`, () => {
    for (const value of good) assert.deepEqual(complaintsAbout(path, value), [], value);
    for (const value of bad) assert.match(complaintsAbout(path, value).join(), says, value);
  });
}

test('a name of a variable has no other characters anywhere, and only its beginning is ours', () => {
  const isGood = (name: string): boolean => validateSpec(baseWith('task.env', { [name]: 'x' })).ok;
  assert.deepEqual(['A', '_a.b-9', 'MY_KAIROS_X'].map(isGood), [true, true, true]);
  assert.deepEqual(['9A', 'A=', 'A B', ' A', 'KAIROS_X'].map(isGood), [false, false, false, false, false]);
});

test('a count in a constraint is a whole number above zero of at most six digits', () => {
  const isGood = (value: string): boolean => validateSpec({ ...base(), constraints: [['a', 'MAX_PER', value]] }).ok;
  assert.deepEqual(['1', '20', '999999'].map(isGood), [true, true, true]);
  assert.deepEqual(
    ['0', '01', '1a', 'a1', '-1', '1.5', '1000000', ''].map(isGood),
    Array.from({ length: 8 }, () => false),
  );
});

test.run();
