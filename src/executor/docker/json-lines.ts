/** A stream of JSON objects, one a line, as the Engine API sends events and the progress of a pull. */

import type { Readable } from 'node:stream';

export async function* jsonLines(body: Readable): AsyncGenerator<Readonly<Record<string, unknown>>> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as Record<string, unknown>;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as Record<string, unknown>;
}
