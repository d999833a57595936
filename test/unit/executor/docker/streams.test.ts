import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { test } from 'uvu';
import { payloads } from '../../../../src/executor/docker/container-log.ts';
import { parseImage } from '../../../../src/executor/docker/image-pull.ts';
import { jsonLines } from '../../../../src/executor/docker/json-lines.ts';

/** The same bytes in pieces of these sizes. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

test('log frames come out whole wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 30 })), sizes, async (frames, pieces) => {
      const bytes = Buffer.concat(
        frames.flatMap((frame) => {
          const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
          header.writeUInt32BE(frame.length, 4);
          return [header, frame];
        }),
      );
      const out: Uint8Array[] = [];
      for await (const payload of payloads(Readable.from(cut(bytes, pieces)))) out.push(payload);
      assert.deepEqual(Buffer.concat(out), Buffer.concat(frames));
    }),
  );
});

test('JSON lines come out whole wherever the stream is cut, also inside a letter', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }) })), sizes, async (objects, pieces) => {
      const bytes = Buffer.from(objects.map((object) => `${JSON.stringify(object)}\r\n`).join(''));
      const out: unknown[] = [];
      for await (const object of jsonLines(Readable.from(cut(bytes, pieces)))) out.push(object);
      assert.deepEqual(JSON.parse(JSON.stringify(out)), JSON.parse(JSON.stringify(objects)));
    }),
  );
});

const IMAGES: readonly (readonly [string, string, string])[] = [
  ['busybox', 'busybox', 'latest'],
  ['busybox:1.36', 'busybox', '1.36'],
  ['localhost:5000/a/b', 'localhost:5000/a/b', 'latest'],
  ['localhost:5000/a/b:2', 'localhost:5000/a/b', '2'],
  ['a/b@sha256:00ff', 'a/b', 'sha256:00ff'],
  ['a/b:2@sha256:00ff', 'a/b', 'sha256:00ff'],
];

for (const [image, name, tag] of IMAGES) {
  test(`${image} is ${name} at ${tag}`, () => {
    assert.deepEqual(parseImage(image), { name, tag });
  });
}

test.run();
