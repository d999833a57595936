import assert from 'node:assert/strict';
import { test } from 'uvu';
import { OfferBook, type Pool, shortagesOf } from '../../../src/engine/offer-book.ts';
import type { Offer, Resources } from '../../../src/executor/port.ts';
import { resolveJob } from '../../../src/job/resolve-job.ts';
import type { Job } from '../../../src/job/job.ts';
import type { JobSpec } from '../../../src/job/spec.ts';

const roomy: Resources = { cpus: 4, mem: 1024, disk: 1024, gpus: 1, ports: [[31000, 31009]] };

function offer(id: string, resources: Partial<Resources> = {}, changes: Partial<Offer> = {}): Offer {
  const agentId = `agent-${id}`;
  return { id, agentId, hostname: agentId, address: '', pool: agentId, attributes: {}, resources: { ...roomy, ...resources }, ...changes };
}

function bookOf(...offers: Offer[]): OfferBook {
  const book = new OfferBook(100);
  for (const one of offers) book.add(one);
  return book;
}

function jobOf(task: Partial<NonNullable<JobSpec['task']>>): Job {
  const spec = { name: 'j', task: { command: 'x', cpus: 0.1, mem: 1, disk: 0, ...task } } as JobSpec;
  return resolveJob({ spec, scheduledSince: 0 });
}

const firstFit = (book: OfferBook, job: Job, from = 0): string | undefined => {
  const pools = book.fullestFirst();
  return pools[book.firstFit(pools, from, { job, placed: new Map() }) ?? -1]?.agentId;
};

const only = (book: OfferBook): Pool => [...book.pools.values()][0] as Pool;

function portsFor(free: Resources['ports'], ...hostPorts: number[]): readonly number[] | undefined {
  const book = bookOf(offer('1', { ports: free }));
  const job = jobOf({ ports: hostPorts.map((hostPort) => ({ hostPort })) });
  return firstFit(book, job) === undefined ? undefined : book.take(only(book), job);
}

test('the pool with the fewest cpus left comes first, then the one with the least memory, then by name', () => {
  const book = bookOf(
    offer('d'),
    offer('c'),
    offer('b', { mem: 512 }),
    offer('a', { cpus: 8, mem: 1 }),
    offer('e', { cpus: 1, mem: 4096 }),
  );
  assert.deepEqual(
    book.fullestFirst().map((pool) => pool.agentId),
    ['agent-e', 'agent-b', 'agent-c', 'agent-d', 'agent-a'],
  );
});

test('the first pool that fits is taken, none before the one asked from', () => {
  const book = bookOf(offer('a', { cpus: 1 }), offer('b', { cpus: 2 }), offer('c', { cpus: 3 }));
  assert.equal(firstFit(book, jobOf({ cpus: 2 })), 'agent-b');
  assert.equal(firstFit(book, jobOf({ cpus: 1 }), 1), 'agent-b');
  assert.equal(firstFit(book, jobOf({ cpus: 4 })), undefined);
});

test('a job fits that asks for exactly what is left, of every resource, and one that asks for more does not', () => {
  for (const [name, all] of [
    ['cpus', 4],
    ['mem', 1024],
    ['disk', 1024],
    ['gpus', 1],
  ] as const) {
    const book = bookOf(offer('1'));
    assert.equal(firstFit(book, jobOf({ [name]: all })), 'agent-1', name);
    assert.equal(firstFit(book, jobOf({ [name]: all + 1 })), undefined, name);
    book.take(only(book), jobOf({ [name]: all }));
    assert.equal(only(book).free[name], 0, name);
  }
});

test('tenths of a cpu add up exactly', () => {
  const book = bookOf(offer('1', { cpus: 0.3 }));
  const job = jobOf({ cpus: 0.1 });
  for (let i = 0; i < 3; i++) {
    assert.equal(firstFit(book, job), 'agent-1');
    book.take(only(book), job);
  }
  assert.equal(firstFit(book, job), undefined);
});

test('offers of one pool add up, and what they will take at once is the most that one of them will', () => {
  const book = bookOf(
    offer('1', { ports: [[1, 1]] }, { pool: 'p', launches: 2 }),
    offer('2', { ports: [[5, 6]] }, { pool: 'p', launches: 1 }),
  );
  const pool = only(book);
  assert.deepEqual(pool.free, { cpus: 8000, mem: 2_048_000, disk: 2_048_000, gpus: 2000 });
  assert.deepEqual(pool.ports, [
    [1, 1],
    [5, 6],
  ]);
  assert.equal(pool.launches, 2);
  assert.equal(book.size, 2);
});

test('one launch holds no more tasks than a commit has room for', () => {
  const book = new OfferBook(2);
  book.add(offer('1'));
  const job = jobOf({});
  for (let i = 0; i < 2; i++) {
    assert.equal(firstFit(book, job), 'agent-1');
    book.take(only(book), job);
  }
  assert.equal(firstFit(book, job), undefined);
});

test('a rescinded offer takes its pool along, and names the others of it', () => {
  const book = bookOf(offer('1', {}, { pool: 'p' }), offer('2', {}, { pool: 'p' }), offer('3'));
  assert.deepEqual(book.rescind('1'), ['2']);
  assert.deepEqual([...book.pools.keys()], ['agent-3']);
  assert.equal(book.size, 1);
  assert.deepEqual(book.rescind('1'), []);
});

test('a lost agent takes all its pools along, and no others', () => {
  const book = bookOf(offer('1', {}, { agentId: 'gone', pool: 'a' }), offer('2', {}, { agentId: 'gone', pool: 'b' }), offer('3'));
  book.removeAgent('gone');
  assert.deepEqual([...book.pools.keys()], ['agent-3']);
  book.clear();
  assert.equal(book.size, 0);
  assert.equal(book.pools.size, 0);
});

test('host ports: fixed ones as asked, the others the lowest free, in the order they were asked for', () => {
  assert.deepEqual(portsFor([[31000, 31009]], 0, 31000, 0), [31001, 31000, 31002]);
  assert.deepEqual(
    portsFor(
      [
        [31000, 31001],
        [31005, 31006],
      ],
      31000,
      0,
      0,
    ),
    [31000, 31001, 31005],
  );
  assert.deepEqual(portsFor([[31000, 31009]], 31009), [31009]);
});

test('a host port by TCP and by UDP is one port, taken once; by one of them twice it is not had', () => {
  const both = [{ hostPort: 31003, protocol: 'udp' }, { hostPort: 0 }, { hostPort: 31003, protocol: 'tcp' }] as const;
  const book = bookOf(offer('1', { ports: [[31000, 31004]] }));
  assert.equal(firstFit(book, jobOf({ ports: [...both, both[0]] })), undefined);
  assert.equal(firstFit(book, jobOf({ ports: [...both, { hostPort: 31005 }] })), undefined);
  const job = jobOf({ ports: [...both] });
  assert.equal(firstFit(book, job), 'agent-1');
  assert.deepEqual(book.take(only(book), job), [31003, 31000, 31003]);
  assert.deepEqual(only(book).ports, [
    [31001, 31002],
    [31004, 31004],
  ]);
  assert.equal(firstFit(book, jobOf({ ports: [both[0]] })), undefined);
});

test('host ports that are not all free are not had', () => {
  assert.equal(portsFor([[31000, 31009]], 30999), undefined);
  assert.equal(portsFor([[31000, 31009]], 31010), undefined);
  assert.equal(portsFor([[31000, 31001]], 0, 0, 0), undefined);
  assert.equal(portsFor([[31000, 31009]], 31004, 31004), undefined);
  assert.equal(portsFor([], 0), undefined);
});

test('a port that was taken is not offered to the next task', () => {
  const book = bookOf(offer('1', { ports: [[31000, 31004]] }));
  book.take(only(book), jobOf({ ports: [{ hostPort: 31002 }] }));
  assert.deepEqual(only(book).ports, [
    [31000, 31001],
    [31003, 31004],
  ]);
  book.take(only(book), jobOf({ ports: [{ hostPort: 31004 }, { hostPort: 0 }] }));
  assert.deepEqual(only(book).ports, [
    [31001, 31001],
    [31003, 31003],
  ]);
});

test('all that a pool is short of is told, with what it offered', () => {
  const book = bookOf(offer('1', { cpus: 1.5, gpus: 0 }));
  const job = jobOf({ cpus: 2, mem: 1024, gpus: 1, ports: [{ hostPort: 80 }] });
  assert.deepEqual(shortagesOf(only(book), job), [
    { what: 'cpus', wanted: 2, offered: 1.5 },
    { what: 'gpus', wanted: 1, offered: 0 },
    { what: 'ports' },
  ]);
  assert.deepEqual(shortagesOf(only(book), jobOf({ cpus: 1.5 })), []);
});

test.run();
