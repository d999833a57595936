import assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from 'uvu';
import { validateSpec } from '../../../src/job/validate-spec.ts';

const test = suite('validation of a definition');

const task = { image: 'busybox:1.36', command: ['true'] };

/** A definition with these fields changed. */
function job(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'warehouse.load', task, ...fields };
}

function issuesOf(input: unknown): string[] {
  const validation = validateSpec(input);
  return validation.ok ? [] : validation.issues.map(({ path, message }) => `${path}: ${message}`);
}

/** The design's own example, without `after`. */
const example = {
  name: 'warehouse.load',
  schedule: 'R/2026-01-01T03:00:00Z/P1D',
  timeZone: 'Europe/Berlin',
  task: {
    image: 'busybox:1.36',
    command: ['sh', '-c', 'echo $KAIROS_SCHEDULED_FOR'],
    env: { A: 'b' },
    user: 'etl',
    cpus: 0.1,
    mem: 128,
    disk: 0,
    gpus: 0,
    network: 'host',
    ports: [],
    volumes: [],
    artifacts: [],
    dockerParameters: [],
    pull: 'missing',
  },
  constraints: [['rack', 'LIKE', 'r[12]']],
  retry: { attempts: 3, delay: 'PT30S', factor: 2, maxDelay: 'PT10M', jitter: 0.1 },
  timeout: 'PT1H',
  killGrace: 'PT10S',
  overlap: 'forbid',
  startingDeadline: 'PT5M',
  catchUp: 'last',
  priority: 5,
  suspended: false,
  owner: 'data@example.com',
  description: '',
  labels: {},
  keepRuns: 50,
};

const accepted: readonly [what: string, input: unknown][] = [
  ['the design example', example],
  ['the least there can be', { name: 'a', task: { command: 'true' } }],
  ['an image that runs itself', { name: 'a', task: { image: 'busybox' } }],
  ['parents by name and by condition', job({ after: ['a', { job: 'b' }, { job: 'c', on: 'completion' }], join: 'latest' })],
  ['no parents, said so', job({ after: [], schedule: '@daily' })],
  ['a spread cron expression', job({ schedule: 'H H(0-5) * * *' })],
  ['an interval that starts when it is set', job({ schedule: 'R5//PT1H' })],
  [
    'every operator',
    job({
      constraints: [
        ['a', 'EQUALS', 'x'],
        ['a', 'UNLIKE', 'x.*'],
        ['a', 'IS', 'x'],
        ['a', 'IN', 'x,y'],
        ['@hostname', 'UNIQUE'],
        ['@zone', 'CLUSTER'],
        ['r', 'GROUP_BY'],
        ['r', 'GROUP_BY', '3'],
        ['r', 'MAX_PER', '2'],
      ],
    }),
  ],
  [
    'ports, volumes, artifacts, parameters',
    job({
      task: {
        ...task,
        ports: [{ hostPort: 0, containerPort: 80, protocol: 'udp', name: 'dns' }],
        volumes: [
          { containerPath: '/data', source: '/srv/data', mode: 'ro' },
          { containerPath: '/c', source: 'cache' },
        ],
        artifacts: [{ uri: 'https://example.com/a.tgz', extract: false, destination: 'x/a.tgz' }],
        dockerParameters: [{ key: 'ulimit', value: 'nofile=10' }],
      },
    }),
  ],
  [
    'what a container has of its own, and limits',
    job({ task: { image: 'i', network: 'bridge', hostname: 'a-1', shmSize: 64, mem: 64, limits: { cpus: 0.1, mem: 64 } } }),
  ],
  ['secrets by name', job({ task: { ...task, secrets: { DB_PASSWORD: 'warehouse-db' } } })],
  ['rules for exit codes', job({ retry: { on: [1, 75] } })],
  ['no wait at all', job({ retry: { delay: 'PT0S' }, killGrace: 'PT0S' })],
];

for (const [what, input] of accepted) {
  test(`accepts ${what}, and gives it back as it was given`, () => {
    const validation = validateSpec(input);
    assert.deepEqual(validation, { ok: true, spec: input });
  });
}

const deep = 'x'.repeat(200);

const refused: readonly [what: string, input: unknown, issues: readonly (string | RegExp)[]][] = [
  ['nothing', undefined, [': is required']],
  ['null', null, [': must be an object']],
  ['an array', [], [': must be an object']],
  ['an empty object', {}, ['name: is required', 'task: is required']],
  ['an unknown field', job({ scheduel: '@daily' }), ['scheduel: is not a known field; did you mean "schedule"?']],
  [
    'an unknown field deep down',
    job({ task: { ...task, memory: 5, ports: [{ hostport: 1 }] } }),
    [/^task\.ports\[0\]\.hostport: .*did you mean "hostPort"/, /^task\.memory: is not a known field; allowed: image, command, env/],
  ],
  [
    'an unknown field of an edge',
    job({ after: [{ job: 'a', when: 'success' }] }),
    ['after[0].when: is not a known field; allowed: job, on'],
  ],
  [
    'an unknown condition',
    job({ after: ['a', { job: 'b', on: 'sucess' }] }),
    ['after[1].on: must be one of success, failure, completion; did you mean "success"?'],
  ],
  ['an edge of another kind', job({ after: [7] }), ['after[0]: must be a string or an object']],
  ['a parent twice', job({ after: ['a', { job: 'a', on: 'failure' }] }), ['after[1]: names a a second time']],
  [
    'a schedule and parents',
    job({ schedule: '@daily', after: ['a'] }),
    ['after: must not be given together with schedule: a job has one or the other'],
  ],
  ['a zone without a schedule', job({ timeZone: 'UTC' }), ['timeZone: must be given only with a schedule']],
  ['a join without parents', job({ join: 'flow' }), ['join: must be given only with after']],
  ['a schedule that is none', job({ schedule: 'every day' }), [/^schedule: .*every day/]],
  ['a zone that is none', job({ schedule: '@daily', timeZone: 'Europe/Berlni' }), [/^timeZone: .*Europe\/Berlni/]],
  ['a name with a slash', job({ name: 'a/b' }), [/^name: must begin with a letter/]],
  ['a name that begins with a dot', job({ name: '.a' }), [/^name: must begin with a letter/]],
  ['a name every object has', job({ name: '__proto__' }), [/^name: .*reserved word/]],
  ['a name too long', job({ name: deep }), ['name: must have at most 128 characters']],
  ['a name as long as allowed that is none', job({ name: `${'a'.repeat(127)}/` }), [/^name: must begin with a letter/]],
  ['an empty name', job({ name: '' }), [/^name: must begin/]],
  [
    'limits below what is asked for',
    job({ task: { ...task, mem: 64, limits: { mem: 32, cpus: 0.05 } } }),
    [/^task.limits.cpus: /, /^task.limits.mem: /],
  ],
  ['a host name on the host network', job({ task: { ...task, hostname: 'a' } }), [/^task.hostname: must not be given on the host network/]],
  [
    'a container’s things without one',
    job({ task: { command: 'true', shmSize: 64 } }),
    [/^task.shmSize: must be given only with an image/],
  ],
  ['an unknown limit', job({ task: { ...task, limits: { disk: 1 } } }), [/^task.limits.disk: /]],
  [
    'a variable that is a secret too',
    job({ task: { ...task, env: { A: '1' }, secrets: { A: 'a' } } }),
    [/^task.secrets.A: stands in env too/],
  ],
  [
    'a secret outside the directory',
    job({ task: { ...task, secrets: { A: '../a', B: '.a' } } }),
    [/^task.secrets.A: /, /^task.secrets.B: /],
  ],
  ['a task without anything to run', job({ task: {} }), ['task: must have an image, a command, or both']],
  ['an empty command', job({ task: { command: [] } }), ['task.command: must have at least 1 item']],
  ['a command without a program', job({ task: { command: ['', 'a'] } }), ['task.command[0]: must not be empty: it is the program']],
  ['a command of another kind', job({ task: { command: 5 } }), ['task.command: must be a string or an array']],
  ['a word that is no text', job({ task: { command: ['a', 5] } }), ['task.command[1]: must be a string']],
  ['NUL in a command', job({ task: { command: 'a\0b' } }), ['task.command: must not contain the character NUL']],
  ['a number as a variable', job({ task: { ...task, env: { A: 1 } } }), ['task.env.A: must be a string']],
  [
    'a variable that is no name',
    job({ task: { ...task, env: { '1 A': 'x' } } }),
    [/^task\.env\["1 A"\]: is not a usable name: must be a name of letters/],
  ],
  [
    'a variable of ours',
    job({ task: { ...task, env: { KAIROS_RUN: 'x' } } }),
    ['task.env.KAIROS_RUN: is not a usable name: names that begin with KAIROS_ are set by Kairos'],
  ],
  ['hidden variables', job({ task: { ...task, env: JSON.parse('{"__proto__":"x"}') } }), ['task.env.__proto__: is not a usable name']],
  [
    'too large an environment',
    job({ task: { ...task, env: { A: 'x'.repeat(40_000), B: 'x'.repeat(40_000) } } }),
    ['task.env: must have at most 65536 bytes in all'],
  ],
  ['no CPU', job({ task: { ...task, cpus: 0 } }), ['task.cpus: must be at least 0.01']],
  ['negative memory', job({ task: { ...task, mem: -1 } }), ['task.mem: must be at least 1']],
  ['endless memory', job({ task: { ...task, mem: Number.POSITIVE_INFINITY } }), ['task.mem: must be a number']],
  ['half a GPU', job({ task: { ...task, gpus: 0.5 } }), ['task.gpus: must be a whole number']],
  ['a port beyond', job({ task: { ...task, ports: [{ hostPort: 65_536 }] } }), ['task.ports[0].hostPort: must be at most 65535']],
  [
    'a relative mount',
    job({ task: { ...task, volumes: [{ containerPath: 'data', source: '../x' }] } }),
    [
      'task.volumes[0].containerPath: must be an absolute path',
      'task.volumes[0].source: must be an absolute path on the agent or the name of a Docker volume',
    ],
  ],
  [
    'an artifact that climbs',
    job({ task: { ...task, artifacts: [{ uri: 'x', destination: '../x' }] } }),
    ['task.artifacts[0].destination: must be a relative path without ..'],
  ],
  [
    'an unknown way to pull',
    job({ task: { ...task, pull: 'alway' } }),
    ['task.pull: must be one of always, missing, never; did you mean "always"?'],
  ],
  [
    'an unknown operator',
    job({ constraints: [['a', 'LIK', 'x']] }),
    [/^constraints\[0\]\[1\]: must be one of EQUALS, LIKE.*did you mean "LIKE"/],
  ],
  ['a constraint without operator', job({ constraints: [['a']] }), [/^constraints\[0\]/]],
  ['a constraint too long', job({ constraints: [['a', 'LIKE', 'x', 'y']] }), ['constraints[0]: must have at most 3 items']],
  [
    'a constraint without its value',
    job({
      constraints: [
        ['a', 'LIKE'],
        ['b', 'MAX_PER', '0'],
        ['c', 'UNIQUE', 'x'],
        ['d', 'UNLIKE', '['],
      ],
    }),
    [
      'constraints[0][2]: is required: LIKE needs a regular expression',
      'constraints[1][2]: must be a whole number above zero, as text: MAX_PER needs it',
      'constraints[2][2]: must be absent: UNIQUE takes no value',
      'constraints[3][2]: must be a regular expression, without lookaround and backreferences: missing closing ]: `[`',
    ],
  ],
  ['a duration that is none', job({ timeout: '1h' }), [/^timeout: Duration "1h"/]],
  ['a duration without fixed length', job({ retry: { delay: 'P1M' } }), [/^retry\.delay: Duration "P1M".*no fixed length/]],
  ['no time at all', job({ timeout: 'PT0S' }), ['timeout: must be longer than zero']],
  ['too long a time', job({ killGrace: 'P4000D' }), ['killGrace: must be at most ten years']],
  ['waits that contradict', job({ retry: { delay: 'PT2M', maxDelay: 'PT1M' } }), ['retry.maxDelay: must not be shorter than retry.delay']],
  ['no attempt', job({ retry: { attempts: 0 } }), ['retry.attempts: must be at least 1']],
  ['success as an exit code to retry', job({ retry: { on: [0] } }), ['retry.on[0]: must be at least 1']],
  ['too much jitter', job({ retry: { jitter: 1.5 } }), ['retry.jitter: must be at most 1']],
  ['a priority beyond', job({ priority: 10 }), ['priority: must be at most 9']],
  ['null for a field', job({ owner: null }), ['owner: must be a string']],
  ['too long a description', job({ description: 'x'.repeat(5_000) }), ['description: must have at most 4096 characters']],
  [
    'too many labels',
    job({ labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, ''])) }),
    ['labels: must have at most 64 labels'],
  ],
  ['nothing to keep', job({ keepRuns: 0 }), ['keepRuns: must be at least 1']],
  [
    'too large a whole',
    job({ task: { command: Array.from({ length: 4 }, () => 'x'.repeat(60_000)) } }),
    [': a definition must have at most 131072 bytes as JSON'],
  ],
];

for (const [what, input, expected] of refused) {
  test(`refuses ${what}, and says where and why`, () => {
    const found = issuesOf(input);
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [index, issue] of expected.entries()) {
      if (typeof issue === 'string') assert.equal(found[index], issue);
      else assert.match(found[index] ?? '', issue);
    }
  });
}

test('everything that is wrong is said at once', () => {
  assert.deepEqual(issuesOf(job({ priority: 'high', overlap: 'allowed', owner: 3 })), [
    'overlap: must be one of forbid, queue, allow, replace; did you mean "allow"?',
    'priority: must be a number',
    'owner: must be a string',
  ]);
});

test('whatever it is given, it answers: accepted, or at least one issue', () => {
  const fields = fc.constantFrom('name', 'task', 'schedule', 'after', 'retry', 'constraints', 'labels', 'timeout', '__proto__', 'toString');
  const value = fc.oneof(
    fc.anything({ maxDepth: 3, withNullPrototype: true, withBigInt: true }),
    fc.constantFrom('a', '@daily', 'PT1H', 'R//P1D'),
    fc.dictionary(fc.constantFrom('image', 'command', 'env', 'job', 'on', 'delay', '__proto__'), fc.anything({ maxDepth: 2 })),
  );
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.dictionary(fields, value)), (input) => {
      const validation = validateSpec(input);
      assert.ok(validation.ok || validation.issues.length > 0);
    }),
    { numRuns: 3_000 },
  );
});

test.run();
