/**
 * The house rules on the whole of src, and on fixtures that break them: a rule that catches nothing is no rule.
 * Run alone by `npm run boundaries`.
 */

import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite } from 'uvu';
import {
  environmentIsReadAtTheEntry,
  filesAreShort,
  filesOpenWithTheirPurpose,
  importsPointDown,
  namesSayWhatIsInside,
  noTestSilencesOthers,
  onlyNodeNamesAdapters,
  pureRoomsImportOnlyPure,
  pureRoomsTouchNoWorld,
  timeAndChanceComeFromTheClock,
} from './rules.ts';
import type { Rule } from './rules.ts';
import { codeOf, importsOf, readFiles } from './source.ts';
import type { SourceFile } from './source.ts';

const test = suite('house rules');

const root = join(import.meta.dirname, '../../..');
const source = readFiles(join(root, 'src'));
const tests = readFiles(join(root, 'test'));

function assertNone(offences: readonly string[]): void {
  assert.ok(offences.length === 0, `\n${offences.join('\n')}`);
}

/** `made` breaks the rule exactly as `offences` say. */
function assertCaught(rule: Rule, made: Readonly<Record<string, string>>, offences: readonly string[]): void {
  const files: readonly SourceFile[] = Object.entries(made).map(([path, text]) => ({ path, text }));
  assert.deepEqual(rule(files), offences);
}

test('imports only point down the list of rooms', () => assertNone(importsPointDown(source)));
test('an import that points up is named', () => {
  assertCaught(
    importsPointDown,
    {
      'engine/decide.ts':
        "import type { Loop } from '../leader/loop.ts';\nimport { a } from '../job/job.ts';\nexport * from './records.ts';",
      'clock/clock.ts': "const x = await import('../telemetry/logger.ts');",
      'store/port.ts': "import {\n  a,\n  b,\n} from '../../test/support/x.ts';",
      'main.ts': '',
    },
    [
      'main.ts: not in one of the rooms cli, node, api, ui, leader, engine, job, schedule, store, executor, telemetry, clock',
      'engine/decide.ts -> leader/loop.ts: engine may not import leader',
      'clock/clock.ts -> telemetry/logger.ts: clock may not import telemetry',
      'store/port.ts -> ../test/support/x.ts: store may not import what is outside the rooms',
    ],
  );
});

test('engine, job and schedule import nothing that does IO', () => assertNone(pureRoomsImportOnlyPure(source)));
test('an import of IO by a pure room is named', () => {
  assertCaught(
    pureRoomsImportOnlyPure,
    {
      'engine/a.ts':
        "import { readFile } from 'node:fs';\nimport type { Clock } from '../clock/clock.ts';\nimport type { Offer } from '../executor/port.ts';",
      'job/a.ts': "import * as z from 'zod';\nimport { x } from '../store/etcd/store.ts';",
      'schedule/a.ts': "import 'undici';",
      'leader/a.ts': "import 'node:fs';",
    },
    [
      'engine/a.ts -> node:fs: engine is pure',
      'engine/a.ts -> clock/clock.ts: engine is pure',
      'job/a.ts -> store/etcd/store.ts: job is pure',
      'schedule/a.ts -> undici: schedule is pure',
    ],
  );
});

test('engine, job and schedule do not touch the world through globals', () => assertNone(pureRoomsTouchNoWorld(source)));
test('a global used by a pure room is named', () => {
  assertCaught(pureRoomsTouchNoWorld, { 'engine/a.ts': 'const id =\n  randomUUID();', 'leader/a.ts': 'console.log(1)' }, [
    'engine/a.ts:2: engine is pure and may not use randomUUID',
  ]);
});

test('only node names an adapter', () => assertNone(onlyNodeNamesAdapters(source)));
test('an adapter named by a port, a sibling or a higher room is named', () => {
  assertCaught(
    onlyNodeNamesAdapters,
    {
      'store/port.ts': "import { EtcdStore } from './etcd/store.ts';",
      'store/memory/store.ts': "import { x } from '../embedded/files.ts';\nimport type { Store } from '../port.ts';",
      'executor/docker/a.ts': "import { LogFile } from '../local/log-file.ts';",
      'executor/local/log-file.ts': "import { socket } from '../docker/engine.ts';",
      'leader/loop.ts': "import type { Mesos } from '../executor/mesos/executor.ts';\nimport '../executor/local/log-file.ts';",
      'node/stores.ts': "import { EtcdStore } from '../store/etcd/store.ts';",
      'store/etcd/store.ts': "import { watch } from './watch.ts';",
    },
    [
      'store/port.ts -> store/etcd/store.ts: only node/ names an adapter',
      'store/memory/store.ts -> store/embedded/files.ts: only node/ names an adapter',
      'executor/local/log-file.ts -> executor/docker/engine.ts: only node/ names an adapter',
      'leader/loop.ts -> executor/mesos/executor.ts: only node/ names an adapter',
      'leader/loop.ts -> executor/local/log-file.ts: executor/local is for adapters',
    ],
  );
});

test('time, timers and chance come from the clock', () => assertNone(timeAndChanceComeFromTheClock(source)));
test('a use of the real time is named, a word in a comment or a string is not', () => {
  assertCaught(
    timeAndChanceComeFromTheClock,
    {
      'leader/a.ts':
        "// Date.now() is not for us\nconst a = 'Math.random()';\nconst b = `${Date.now()}`;\nsetTimeout(f, 1);\nnew Date(5);\nnew Date();",
      'store/etcd/a.ts': "import { setTimeout } from 'node:timers/promises';",
      'clock/system-clock.ts': 'setTimeout(f, Date.now());',
    },
    [
      'leader/a.ts:3: Date.now is for clock/system-clock.ts only: take a Clock',
      'leader/a.ts:4: setTimeout is for clock/system-clock.ts only: take a Clock',
      'leader/a.ts:6: new Date() is for clock/system-clock.ts only: take a Clock',
      'store/etcd/a.ts:1: setTimeout is for clock/system-clock.ts only: take a Clock',
      'store/etcd/a.ts -> node:timers/promises: take a Clock',
    ],
  );
});

test('the environment and the arguments are read at the entry', () => assertNone(environmentIsReadAtTheEntry(source)));
test('a read of the environment elsewhere is named', () => {
  const text = 'const home = process.env;';
  assertCaught(
    environmentIsReadAtTheEntry,
    { 'api/a.ts': text, 'cli/main.ts': text, 'node/config.ts': text, 'node/config/env.ts': text, 'node/configured.ts': text },
    ['api/a.ts:1: process.env is for cli/ and node/config only', 'node/configured.ts:1: process.env is for cli/ and node/config only'],
  );
});

test('no file has more than 400 lines', () => assertNone(filesAreShort(source)));
test('a file that is too long is named', () => {
  assertCaught(filesAreShort, { 'job/a.ts': 'x\n'.repeat(400), 'job/b.ts': 'x\n'.repeat(401) }, ['job/b.ts: 401 lines, more than 400']);
});

test('files are named after what is in them', () => assertNone(namesSayWhatIsInside([...source, ...tests])));
test('a name that says nothing is named', () => {
  assertCaught(namesSayWhatIsInside, { 'job/utils.ts': '', 'job/helpers/a.ts': '', 'job/graphNode.ts': '', 'job/cron-parser.ts': '' }, [
    "job/utils.ts: 'utils' says nothing",
    "job/helpers/a.ts: 'helpers' says nothing",
    "job/graphNode.ts: 'graphNode' is not kebab-case",
  ]);
});

test('modules open with their purpose', () => assertNone(filesOpenWithTheirPurpose(source)));
test('a module without one is named', () => {
  assertCaught(
    filesOpenWithTheirPurpose,
    { 'job/a.ts': '/** What. */', 'cli/main.ts': '#!/usr/bin/env node\n/** What. */', 'job/b.ts': 'x' },
    ['job/b.ts: does not open with a comment that says what it owns'],
  );
});

test('no test silences the others', () => assertNone(noTestSilencesOthers(tests)));
test('a test that does is named', () => {
  assertCaught(noTestSilencesOthers, { 'a.test.ts': '// test.only(x)', 'b.test.ts': "\ntest.only('x', f);" }, [
    'b.test.ts:2: .only silences the other tests',
  ]);
});

test('the reader of source sees imports of every form, and none in a comment', () => {
  const text = [
    "import a from 'a'; // import x from 'x'",
    "import type { B } from './b.ts';",
    "/* import y from 'y' */ import {\n c,\n} from '../c.ts';",
    "export { d } from 'd'; export * as e from 'e';",
    "const f = import('f'); import 'g';",
    "const quote = /'/; const h = \"it's\"; import i from 'i';",
  ].join('\n');
  const found = importsOf({ path: 'job/x.ts', text }).map(({ to }) => to);
  assert.deepEqual(found, ['a', 'job/b.ts', 'c.ts', 'd', 'e', 'f', 'g', 'i']);
});

test('the reader of source keeps code and line numbers', () => {
  assert.equal(codeOf("a /* x\ny */ = 'b' + `c${d}` / 2; // e").replaceAll(/ +/g, ' ').trimEnd(), "a \n = '' + ` d ` / 2;");
});

test.run();
