import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from 'lmdb';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { ChangeHistory } from '../../../src/store/change-history.ts';
import type { EmbeddedDatabase } from '../../../src/store/embedded/embedded-database.ts';
import { GroupCommitter } from '../../../src/store/embedded/group-committer.ts';
import { openEmbeddedStore } from '../../../src/store/embedded/embedded-store.ts';
import { storeContract } from '../../contract/store.ts';
import { landed, rejects } from '../../contract/store-steps.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;
const candidate = { node: 'n', address: '' };
const childFile = new URL('../../support/embedded-child.ts', import.meta.url).pathname;

storeContract('embedded', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kairos-embedded-'));
  const store = await openEmbeddedStore({ directory, clock: systemClock });
  return {
    leaseMs: 1_000,
    hasManyNodes: false,
    connect: async () => store,
    compact: async () => store.compact(),
    cut: async () => undefined,
    stop: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

async function setup() {
  const root = await mkdtemp(join(tmpdir(), 'kairos-embedded-'));
  const directory = join(root, 'data');
  const children: ChildProcess[] = [];
  return {
    directory,
    open: () => openEmbeddedStore({ directory, clock: systemClock }),
    /** Starts a child and waits for its first line. */
    child: async (mode: 'commit' | 'hold') => {
      const child = spawn(process.execPath, ['--import', 'tsx', childFile, directory, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      await until(() => lines.length > 0, { limitMs: 20_000, what: 'the child to open the store' });
      const kill = async (): Promise<void> => {
        const gone = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        await gone;
      };
      return { pid: child.pid, lines, kill, signal: (name: NodeJS.Signals) => child.kill(name) };
    },
    end: async () => {
      for (const child of children) child.kill('SIGKILL');
      await rm(root, { recursive: true, force: true });
    },
  };
}

test('what was acknowledged before kill -9 is there after it, and nothing is half there', async () => {
  const { directory, open: openStore, child, end } = await setup();
  let lastRevision = 0n;
  const expected = new Set<number>();
  for (let round = 0; round < 3; round += 1) {
    await rm(directory, { recursive: true, force: true });
    expected.clear();
    lastRevision = 0n;
    const writer = await child('commit');
    await until(() => writer.lines.length > 40 + round * 100, { limitMs: 20_000, what: 'some commits' });
    await writer.kill();
    for (const line of writer.lines.slice(1)) {
      const [number, revision] = line.split(' ');
      // The last line may have been cut off by the kill.
      if (revision === undefined) continue;
      expected.add(Number(number));
      if (BigInt(revision) > lastRevision) lastRevision = BigInt(revision);
    }
    const store = await openStore();
    const { entries, revision } = await store.snapshot();
    assert.ok(revision >= lastRevision);
    const found = new Map(entries.map((entry) => [entry.key, entry]));
    for (const i of expected) assert.ok(found.has(`${i}/left`) && found.has(`${i}/right`), `commit ${i} was acknowledged and is gone`);
    for (const { key, value, modRevision } of entries) {
      const [i, side] = key.split('/');
      const other = found.get(`${i}/${side === 'left' ? 'right' : 'left'}`);
      assert.equal(other?.modRevision, modRevision);
      assert.equal(value.length, Number(i) % 7_000);
    }
    assert.ok(entries.length >= expected.size * 2);
    await store.close();
  }
  await end();
});

test('terms go on growing over restarts, and nothing of the dead process leads or is announced', async () => {
  const { open: openStore, child, end } = await setup();
  const holder = await child('hold');
  const number = BigInt(holder.lines[0]?.split(' ')[1] ?? '');
  await holder.kill();
  const store = await openStore();
  assert.equal(await store.leader(), undefined);
  assert.equal(await store.get('nodes/child'), undefined);
  const term = await store.campaign(candidate, never);
  assert.ok(term.number > number);
  await store.close();
  await end();
});

test('a second process is refused, told whose the directory is, and harms nothing', async () => {
  const { directory, open: openStore, child, end } = await setup();
  const holder = await child('commit');
  await assert.rejects(openStore(), {
    code: 'locked',
    message: `${directory} is in use by process ${holder.pid}; one process only can have it`,
  });
  const before = holder.lines.length;
  await until(() => holder.lines.length > before + 10, { limitMs: 10_000, what: 'the holder to go on' });
  holder.signal('SIGSTOP');
  await rejects(openStore(), 'locked');
  await holder.kill();
  await (await openStore()).close();
  await end();
});

test('the same process is refused a second time as well', async () => {
  const { open: openStore, end } = await setup();
  const store = await openStore();
  await rejects(openStore(), 'locked');
  landed(await store.transact({ guards: [{ key: 'x', modRevision: 0n }], writes: [{ key: 'x', value: '1' }] }));
  await store.close();
  await (await openStore()).close();
  await end();
});

test('what a killed process left locks nobody out, though its process id lives again', async () => {
  const { directory, open: openStore, child, end } = await setup();
  const holder = await child('hold');
  await holder.kill();
  assert.equal((await readdir(directory)).filter((name) => name.startsWith('owner.')).length, 1);
  // The same name with the id of a process that lives: this one.
  const stale = createServer();
  await new Promise<void>((resolve) => stale.listen(join(directory, 'listening'), resolve));
  await import('node:fs/promises').then((fs) => fs.rename(join(directory, 'listening'), join(directory, `owner.${process.pid}.1`)));
  await new Promise((resolve) => stale.close(resolve));
  assert.equal((await readdir(directory)).filter((name) => name.startsWith('owner.')).length, 2);
  const store = await openStore();
  assert.equal((await readdir(directory)).filter((name) => name.startsWith('owner.')).length, 1);
  await store.close();
  assert.equal((await readdir(directory)).filter((name) => name.startsWith('owner.')).length, 0);
  await end();
});

test('of many that open at once at most one succeeds', async () => {
  const { open: openStore, end } = await setup();
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => openStore()));
  const stores = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  assert.ok(stores.length <= 1, `${stores.length} opened`);
  for (const store of stores) await store.close();
  await (await openStore()).close();
  await end();
});

test('a directory with a very long path can be locked too', async () => {
  const { directory, end } = await setup();
  const long = join(directory, 'd'.repeat(120));
  const store = await openEmbeddedStore({ directory: long, clock: systemClock });
  await rejects(openEmbeddedStore({ directory: long, clock: systemClock }), 'locked');
  await store.close();
  await (await openEmbeddedStore({ directory: long, clock: systemClock })).close();
  await end();
});

test('the directory is made for its owner only', async () => {
  const { directory, open: openStore, end } = await setup();
  await (await openStore()).close();
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  await end();
});

test('what a newer version wrote, and what is no store at all, is refused with a clear message', async () => {
  const { directory, open: openStore, end } = await setup();
  await (await openStore()).close();
  const raw = open<string, string>({ path: directory, encoding: 'string', overlappingSync: false });
  await raw.put('m/format', '2');
  await raw.close();
  await assert.rejects(openStore(), { code: 'corrupt', message: /written by a newer version \(its format is 2; this program reads 1\)/ });
  await rm(directory, { recursive: true });
  const other = open<string, string>({ path: directory, encoding: 'string', overlappingSync: false });
  await other.put('something', 'else');
  await other.close();
  await assert.rejects(openStore(), { code: 'corrupt', message: /not a store of this program/ });
  await rm(directory, { recursive: true });
  await (await openStore()).close();
  await writeFile(join(directory, 'data.mdb'), Buffer.alloc(20_000, 7));
  await assert.rejects(openStore(), { code: 'corrupt' });
  await end();
});

test('a watch can not begin before the store was opened', async () => {
  const { open: openStore, end } = await setup();
  const first = await openStore();
  const from = (await first.snapshot()).revision;
  landed(await first.transact({ guards: [{ key: 'x', modRevision: 0n }], writes: [{ key: 'x', value: '1' }] }));
  await first.close();
  const second = await openStore();
  await rejects(second.watch(from, never)[Symbol.asyncIterator]().next(), 'compacted');
  await second.close();
  await end();
});

test('concurrent writes share their flushes', async () => {
  const flushed: number[] = [];
  const database = {
    revision: 0n,
    get: () => undefined,
    write: (placements: ReadonlyMap<string, unknown>) => Promise.resolve(void flushed.push(placements.size)),
  } as unknown as EmbeddedDatabase;
  const committer = new GroupCommitter(database, new ChangeHistory({ floor: 0n, limit: 10_000 }));
  const submit = (key: string) => committer.submit({ isAllowed: () => true, writes: [{ key, value: '1' }], keep: 'for-good' });
  const first = submit('a');
  const writes = Array.from({ length: 1_500 }, (_, i) => submit(`b/${i}`));
  const revisions = await Promise.all([first, ...writes]);
  assert.equal(new Set(revisions).size, 1_501);
  assert.deepEqual(flushed, [1_000, 501]);
  await committer.close();
});

test.run();
