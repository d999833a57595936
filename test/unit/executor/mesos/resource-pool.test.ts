import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import type { RawResource } from '../../../../src/executor/mesos/protocol.ts';
import { ResourcePool, type Demand } from '../../../../src/executor/mesos/resource-pool.ts';
import { ports, scalar } from './fixtures.ts';

const NOTHING: Demand = { cpus: 0, mem: 0, disk: 0, gpus: 0, ports: [] };

function take(pool: ResourcePool, demand: Partial<Demand>): RawResource[] {
  const taken = pool.take({ ...NOTHING, ...demand });
  if (typeof taken === 'string') throw new Error(taken);
  return taken;
}

test('entries of one name are summed, reserved or not', () => {
  const pool = new ResourcePool([
    scalar('cpus', 2, { reservations: [{ type: 'STATIC', role: 'etl' }] }),
    scalar('cpus', 4),
    scalar('mem', 1024.5),
    ports([[31_005, 31_009]]),
    ports([[31_000, 31_001]]),
  ]);
  const expected: readonly (readonly [number, number])[] = [
    [31_000, 31_001],
    [31_005, 31_009],
  ];
  assert.deepEqual(pool.total(), { cpus: 6, mem: 1024.5, disk: 0, gpus: 0, ports: expected });
});

test('a task larger than one entry is split over two, the reserved one first, each with its own marks', () => {
  const reserved = scalar('cpus', 2, {
    reservations: [{ type: 'DYNAMIC', role: 'etl', principal: 'p' }],
    allocation_info: { role: 'etl' },
  });
  const free = scalar('cpus', 4, { allocation_info: { role: 'etl' } });
  assert.deepEqual(take(new ResourcePool([free, reserved]), { cpus: 5 }), [
    { ...reserved, scalar: { value: 2 } },
    { ...free, scalar: { value: 3 } },
  ]);
});

test('the older form of a reservation, a role, counts as one too', () => {
  const pool = new ResourcePool([scalar('cpus', 1, { role: '*' }), scalar('cpus', 1, { role: 'etl' })]);
  assert.deepEqual(
    take(pool, { cpus: 1 }).map((entry) => entry.role),
    ['etl'],
  );
});

test('of a hierarchy of roles the narrowest is used up first, each entry with its whole stack of reservations', () => {
  const marks = { allocation_info: { role: 'eng/batch' } };
  const eng = { type: 'STATIC', role: 'eng' } as const;
  const everybodys = scalar('cpus', 4, marks);
  const ofEng = scalar('cpus', 2, { ...marks, reservations: [eng] });
  const ofBatch = scalar('cpus', 1, { ...marks, reservations: [eng, { type: 'DYNAMIC', role: 'eng/batch', principal: 'p' }] });
  const pool = new ResourcePool([everybodys, ofEng, ofBatch]);
  assert.equal(pool.total().cpus, 7);
  assert.deepEqual(take(pool, { cpus: 0.5 }), [{ ...ofBatch, scalar: { value: 0.5 } }]);
  assert.deepEqual(take(pool, { cpus: 3 }), [
    { ...ofBatch, scalar: { value: 0.5 } },
    { ...ofEng, scalar: { value: 2 } },
    { ...everybodys, scalar: { value: 0.5 } },
  ]);
  assert.equal(pool.total().cpus, 3.5);
});

test('nothing is taken, and the shortage named, when one resource is short', () => {
  const pool = new ResourcePool([scalar('cpus', 1), scalar('mem', 64)]);
  assert.equal(pool.take({ ...NOTHING, cpus: 0.5, mem: 65 }), 'mem: 65 needed, 64 left');
  assert.equal(pool.total().cpus, 1);
});

test('what is not asked for has no entry: a literal zero would be noise, a rounded one an error', () => {
  const taken = take(new ResourcePool([scalar('cpus', 1), scalar('mem', 64), scalar('disk', 10)]), { cpus: 0.0004, mem: 32 });
  assert.deepEqual(
    taken.map((entry) => entry.name),
    ['mem'],
  );
});

test('ports are taken one by one out of their ranges, and can be taken once', () => {
  const pool = new ResourcePool([ports([[31_000, 31_003]]), ports([[32_000, 32_000]], { role: 'etl' })]);
  const taken = take(pool, { ports: [31_001, 32_000] });
  assert.deepEqual(
    taken.map((entry) => [entry.role, entry.ranges?.range]),
    [
      ['etl', [{ begin: 32_000, end: 32_000 }]],
      [undefined, [{ begin: 31_001, end: 31_001 }]],
    ],
  );
  assert.deepEqual(pool.total().ports, [
    [31_000, 31_000],
    [31_002, 31_003],
  ]);
  assert.equal(pool.take({ ...NOTHING, ports: [31_001] }), 'ports: 31001 is not left');
  assert.equal(pool.take({ ...NOTHING, ports: [31_002, 31_002] }), 'ports: one port is asked for twice');
});

test('persistent volumes, disks with a source, revocable, shared and provided resources are left alone', () => {
  const pool = new ResourcePool([
    scalar('disk', 1, { disk: { persistence: { id: 'p' } } }),
    scalar('disk', 2, { disk: { source: { type: 'MOUNT' } } }),
    scalar('cpus', 4, { revocable: {} }),
    scalar('disk', 8, { shared: {} }),
    scalar('disk', 16, { provider_id: { value: 'p' } }),
    scalar('disk', 32, { disk: {} }),
  ]);
  assert.deepEqual(pool.total(), { cpus: 0, mem: 0, disk: 32, gpus: 0, ports: [] });
});

test('cutting never makes or loses a thousandth, and never yields an entry that is not above zero', () => {
  const milli = fc.integer({ min: 0, max: 8_000 }).map((value) => value / 1000);
  fc.assert(
    fc.property(fc.array(milli, { minLength: 1, maxLength: 4 }), fc.array(milli, { maxLength: 12 }), (entries, demands) => {
      const pool = new ResourcePool(entries.map((value) => scalar('cpus', value)));
      let expected = entries.reduce((sum, value) => sum + Math.round(value * 1000), 0);
      for (const cpus of demands) {
        const taken = pool.take({ ...NOTHING, cpus });
        if (typeof taken === 'string') continue;
        expected -= Math.round(cpus * 1000);
        for (const entry of taken) assert.ok(Math.round((entry.scalar?.value ?? 0) * 1000) > 0);
        const sum = taken.reduce((all, entry) => all + Math.round((entry.scalar?.value ?? 0) * 1000), 0);
        assert.equal(sum, Math.round(cpus * 1000));
      }
      assert.equal(Math.round(pool.total().cpus * 1000), expected);
    }),
  );
});

test.run();
