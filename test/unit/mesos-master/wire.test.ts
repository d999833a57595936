/** RecordIO, the conversion of JSON to calls, and the parts that stand for chance and processes. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { ProcessClock } from '../../mesos-master/process-clock.ts';
import { Seeded } from '../../mesos-master/seeded.ts';
import { REAL_TIMING, scaledTiming } from '../../mesos-master/timing.ts';
import { callSchema } from '../../mesos-master/wire/call-schema.ts';
import { encodeRecord, RecordDecoder, splitRandomly } from '../../mesos-master/wire/record-io.ts';
import { ConversionError, convert } from '../../mesos-master/wire/schema.ts';

test('records survive any cutting, length in bytes and not in characters', () => {
  const records = [{ a: 'é日本😀' }, {}, { type: 'HEARTBEAT' }];
  assert.equal(encodeRecord({ a: 'é' }).toString(), '10\n{"a":"é"}');
  const bytes = Buffer.concat(records.map((record) => encodeRecord(record)));
  for (let seed = 1; seed <= 200; seed++) {
    const seeded = new Seeded(seed);
    const decoder = new RecordDecoder();
    const seen = splitRandomly(bytes, seeded).flatMap((piece) => splitRandomly(piece, seeded).flatMap((chunk) => decoder.push(chunk)));
    assert.deepEqual(seen, records, `seed ${seed}`);
  }
});

const PREFIX = { type: 'ACKNOWLEDGE', framework_id: { value: 'f' } };
const ACK = { agent_id: { value: 'a' }, task_id: { value: 't' }, uuid: 'AAAA' };

for (const [what, given, wanted] of [
  ['unknown fields are dropped', { type: 'REVIVE', nope: [1, { x: 2 }] }, { type: 'REVIVE' }],
  ['an unknown enum value is as if absent', { type: 'NOPE' }, {}],
  ['null is as if absent', { type: 'REVIVE', framework_id: null }, { type: 'REVIVE' }],
  ['numbers may be text', { decline: { filters: { refuse_seconds: '1.5' } } }, { decline: { filters: { refuse_seconds: 1.5 } } }],
  ['bytes are base64', { ...PREFIX, acknowledge: ACK }, { ...PREFIX, acknowledge: ACK }],
] as const) {
  test(`conversion: ${what}`, () => assert.deepEqual(convert(given, callSchema), wanted));
}

/** An ACCEPT that launches a task with these fields. */
function task(more: object): object {
  const info = { name: 'a', task_id: { value: 'a' }, agent_id: { value: 's' }, ...more };
  return { accept: { operations: [{ launch: { task_infos: [info] } }] } };
}

function image(more: object): object {
  return task({ container: { type: 'MESOS', mesos: { image: { type: 'DOCKER', docker: { name: 'i', ...more } } } } });
}

for (const [given, text] of [
  [[], 'Expecting a JSON object'],
  ['x', 'Expecting a JSON object'],
  [{ framework_id: 'f' }, "Not expecting a JSON string for field 'framework_id'"],
  [{ framework_id: [] }, "Not expecting a JSON array for field 'framework_id'"],
  [{ framework_id: { value: 1 } }, "Not expecting a JSON number for field 'value'"],
  [{ framework_id: { value: true } }, "Not expecting a JSON boolean for field 'value'"],
  [{ framework_id: { value: {} } }, "Not expecting a JSON object for field 'value'"],
  [{ framework_id: {} }, 'Missing required fields: framework_id.value'],
  [{ decline: { filters: { refuse_seconds: 'soon' } } }, "Failed to parse 'soon' as a JSON number for field 'refuse_seconds'"],
  [{ acknowledge: { ...ACK, uuid: '!!!' } }, "Failed to base64 decode bytes field 'uuid': Invalid character '!'"],
  [task({ limits: { cpus: 2 } }), "Not expecting a JSON number for field 'value'"],
  [task({ limits: { cpus: { value: 'much' } } }), "Failed to parse 'much' as a JSON number for field 'value'"],
  [task({ container: { type: 'MESOS', linux_info: { shm_size: '16m' } } }), "Failed to parse '16m' as a JSON number for field 'shm_size'"],
  [task({ container: { type: 'MESOS', linux_info: [] } }), "Not expecting a JSON array for field 'linux_info'"],
  [image({ config: 'e30=' }), "Not expecting a JSON string for field 'config'"],
  [image({ config: { type: 'VALUE', value: { data: '{}' } } }), "Failed to base64 decode bytes field 'data': Invalid character '{'"],
  [
    image({ config: { type: 'VALUE', value: {} } }),
    'Missing required fields: accept.operations[0].launch.task_infos[0].container.mesos.image.docker.config.value.data',
  ],
  [
    task({ container: { type: 'DOCKER', volumes: [{ container_path: '/v', host_path: '/v' }] } }),
    'Missing required fields: accept.operations[0].launch.task_infos[0].container.volumes[0].mode',
  ],
  [{ kill: {} }, 'Missing required fields: kill.task_id'],
  [
    { accept: { operations: [{ launch: { task_infos: [{ name: 'a' }] } }] } },
    'Missing required fields: accept.operations[0].launch.task_infos[0].task_id, accept.operations[0].launch.task_infos[0].agent_id',
  ],
] as const) {
  test(`no conversion of ${JSON.stringify(given).slice(0, 60)}`, () => {
    assert.throws(
      () => convert(given, callSchema),
      (error: unknown) => error instanceof ConversionError && error.message === text,
    );
  });
}

test('the same seed, the same chance', () => {
  const draw = (seed: number): string => {
    const seeded = new Seeded(seed);
    return `${seeded.uuid()} ${seeded.next()} ${seeded.shuffled([1, 2, 3, 4, 5]).join()}`;
  };
  assert.equal(draw(5), draw(5));
  assert.notEqual(draw(5), draw(6));
  assert.match(new Seeded(1).uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a frozen process does everything later, in order; a dead one nothing', async () => {
  const seen: string[] = [];
  const process = new ProcessClock(systemClock);
  process.freeze();
  process.post(() => seen.push('mail'));
  process.timer(1, () => seen.push('timer'));
  await systemClock.sleep(20);
  assert.equal(seen.length, 0);
  process.thaw();
  assert.equal(seen.join(), 'mail,timer');
  process.timer(1, () => seen.push('never'));
  process.post(() => seen.push('never'));
  process.kill();
  process.post(() => seen.push('never'));
  await systemClock.sleep(20);
  assert.equal(seen.length, 2);
});

test('scaled timing is the real one times a factor', () => {
  const scaled = scaledTiming(0.1);
  assert.equal(scaled.heartbeatMs, 1_500);
  assert.equal(scaled.maxAgentPings, REAL_TIMING.maxAgentPings);
  assert.equal(scaled.offerTimeoutMs, undefined);
});

test.run();
