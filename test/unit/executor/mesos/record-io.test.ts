import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { RecordDecoder, RecordIoError } from '../../../../src/executor/mesos/record-io.ts';

function framed(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => Buffer.from(`${Buffer.byteLength(text)}\n${text}`)));
}

function decodeInPieces(bytes: Uint8Array, cuts: readonly number[]): string[] {
  const decoder = new RecordDecoder();
  const records: string[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut < from) continue;
    for (const record of decoder.push(bytes.subarray(from, cut))) records.push(Buffer.from(record).toString('utf8'));
    from = cut;
  }
  return records;
}

test('records come out whole however the bytes are cut, multi-byte characters included', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }), fc.array(fc.nat(200)), (texts, cuts) => {
      const sorted = [...cuts].sort((a, b) => a - b);
      assert.deepEqual(decodeInPieces(framed(...texts), sorted), texts);
    }),
    { numRuns: 300 },
  );
});

test('a record is told complete with its last byte, not later', () => {
  const decoder = new RecordDecoder();
  const bytes = framed('{"type":"HEARTBEAT"}');
  assert.equal(decoder.push(bytes.subarray(0, bytes.length - 1)).length, 0);
  assert.equal(decoder.isAtBoundary, false);
  assert.equal(decoder.push(bytes.subarray(bytes.length - 1)).length, 1);
  assert.equal(decoder.isAtBoundary, true);
});

test('a record does not see its buffer reused', () => {
  const bytes = framed('abc');
  const [record] = new RecordDecoder().push(bytes);
  bytes.fill(0);
  assert.equal(Buffer.from(record!).toString(), 'abc');
});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['no length', '\n{}', /no length/],
  ['a length that is not a number', 'x1\n{}', /not a number: byte 0x78/],
  ['a negative length', '-5\nhello', /not a number/],
  ['a length with a blank', '5 \nhello', /not a number: byte 0x20 after '5'/],
  ['a length without end', '1234567890123', /not a number/],
  ['a record beyond the limit', '101\n', /101 bytes.*at most 100/],
];

for (const [name, text, message] of REFUSED) {
  test(`${name} is refused with a message that names it`, () => {
    assert.throws(
      () => new RecordDecoder(100).push(Buffer.from(text)),
      (error: unknown) => error instanceof RecordIoError && message.test(error.message),
    );
  });
}

test.run();
