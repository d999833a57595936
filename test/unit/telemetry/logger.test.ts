import * as assert from 'node:assert/strict';
import { test } from 'uvu';
import { createLogger, silentLogger } from '../../../src/telemetry/logger.ts';
import type { LogLevel, Logger } from '../../../src/telemetry/logger.ts';

interface Setup {
  readonly logger: Logger;
  /** The lines written so far, parsed. */
  readonly lines: Record<string, unknown>[];
}

function setup(level: LogLevel = 'debug'): Setup {
  const lines: Record<string, unknown>[] = [];
  const clock = {
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    monotonic: () => 0,
    timer: () => () => undefined,
    sleep: async () => undefined,
    random: () => 0,
  };
  const logger = createLogger({ level, clock, stream: { write: (line) => void lines.push(JSON.parse(line)) } });
  return { logger, lines };
}

test('a line has its level, its time by the given clock, its fields and its message', () => {
  const { logger, lines } = setup();
  logger.info({ job: 'etl.load', run: 3 }, 'run launched');
  assert.deepEqual(lines, [{ level: 'info', time: '2026-01-02T03:04:05.000Z', job: 'etl.load', run: 3, msg: 'run launched' }]);
});

test('lines below the level are not written', () => {
  const { logger, lines } = setup('warn');
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.warn({}, 'c');
  logger.error({}, 'd');
  assert.deepEqual(
    lines.map((line) => line['level']),
    ['warn', 'error'],
  );
});

test('a child adds its fields to each line, its own children too', () => {
  const { logger, lines } = setup();
  logger.child({ node: 'a' }).child({ term: 7n }).info({}, 'm');
  assert.equal(lines[0]?.['node'], 'a');
  assert.equal(lines[0]?.['term'], '7');
});

test('secrets are not written, at any depth, in a child, or in an error', () => {
  const { logger, lines } = setup();
  const error = Object.assign(new Error('GET http://user:hunter2@host/ failed'), { headers: { Authorization: 'hunter2' } });
  const request = { headers: { 'Set-Cookie': 'hunter2', 'x-api-key': 'hunter2', accept: '*/*' }, list: [{ clientSecret: 'hunter2' }] };
  logger.child({ token: 'hunter2', mesosPassword: 'hunter2' }).warn({ request, error }, 'refused');
  const text = JSON.stringify(lines);
  assert.ok(!text.includes('hunter2'), text);
  assert.ok(text.includes('http://[redacted]@host/ failed'), text);
  assert.ok(text.includes('"accept":"*/*"'), text);
});

test('the names of environment variables are written, their values are not', () => {
  const { logger, lines } = setup();
  logger.info({ task: { env: { DB_URL: 'postgres', EMPTY: '' } } }, 'm');
  assert.deepEqual(lines[0]?.['task'], { env: { DB_URL: '[redacted]', EMPTY: '[redacted]' } });
});

test('words that only contain a secret name are kept', () => {
  const { logger, lines } = setup();
  logger.info({ tokens: 3, secretary: 'x', passwordless: true }, 'm');
  assert.deepEqual([lines[0]?.['tokens'], lines[0]?.['secretary'], lines[0]?.['passwordless']], [3, 'x', true]);
});

test('an error is written with its type, code, stack and cause, under any name', () => {
  const { logger, lines } = setup();
  const cause = new RangeError('inner');
  logger.error({ why: Object.assign(new TypeError('outer', { cause }), { code: 'E_X' }) }, 'm');
  const why = lines[0]?.['why'] as Record<string, unknown>;
  assert.equal(why['type'], 'TypeError');
  assert.equal(why['message'], 'outer');
  assert.equal(why['code'], 'E_X');
  assert.match(String(why['stack']), /logger\.test/);
  assert.equal((why['cause'] as Record<string, unknown>)['message'], 'inner');
});

test('what can not be JSON is written as something that can, and a line stays bounded', () => {
  const { logger, lines } = setup();
  const loop: Record<string, unknown> = {
    revision: 2n ** 60n,
    bytes: new Uint8Array(5),
    when: new Date(0),
    gone: undefined,
    call: () => 1,
  };
  loop['self'] = loop;
  logger.info({ loop, long: 'x'.repeat(20_000), many: Array.from({ length: 500 }, (_, i) => i) }, 'm');
  const written = lines[0]?.['loop'] as Record<string, unknown>;
  assert.equal(written['revision'], '1152921504606846976');
  assert.equal(written['bytes'], '[5 bytes]');
  assert.equal(written['when'], '1970-01-01T00:00:00.000Z');
  assert.ok(!('gone' in written) && !('call' in written));
  assert.equal((lines[0]!['many'] as unknown[]).length, 101);
  assert.ok(JSON.stringify(lines).length < 12_000);
});

test('what is logged is not changed by it', () => {
  const { logger } = setup();
  const fields = { password: 'x', env: { A: 'b' } };
  logger.info(fields, 'm');
  assert.deepEqual(fields, { password: 'x', env: { A: 'b' } });
});

test('the silent logger and its children say nothing', () => {
  silentLogger.child({ a: 1 }).error({}, 'm');
  assert.equal(silentLogger.child({}), silentLogger);
});

test.run();
