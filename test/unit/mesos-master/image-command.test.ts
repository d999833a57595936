/** The documented table of what the Mesos containerizer runs, cell by cell. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { imageCommand, type ImageConfig } from '../../mesos-master/runner/image-command.ts';
import type { CommandInfo } from '../../mesos-master/wire/call.ts';

const CMD = ['c0', 'c1'];
const ENTRYPOINT = ['e0', 'e1'];
const IMAGES: readonly ImageConfig[] = [{}, { Cmd: CMD }, { Entrypoint: ENTRYPOINT }, { Entrypoint: ENTRYPOINT, Cmd: CMD }];
const WORDS = ['w0', 'w1'];
const NOTHING = { error: 'No executable is found' };
const NO_VALUE = { error: 'Shell specified but no command value provided' };

const every = <T>(one: T): readonly T[] => [one, one, one, one];

/** A row for each command, a column for each image. */
const TABLE: readonly (readonly [CommandInfo, readonly unknown[]])[] = [
  [{ shell: false }, [NOTHING, CMD, ENTRYPOINT, [...ENTRYPOINT, ...CMD]]],
  [{ shell: false, arguments: WORDS }, [NOTHING, ['c0', ...WORDS], [...ENTRYPOINT, ...WORDS], [...ENTRYPOINT, ...WORDS]]],
  [{ shell: false, value: 'v' }, every(['v'])],
  [{ shell: false, value: 'v', arguments: WORDS }, every(['v', 'w1'])],
  [{ shell: true }, every(NO_VALUE)],
  [{ shell: true, arguments: WORDS }, every(NO_VALUE)],
  [{ value: 'v' }, every(['/bin/sh', '-c', 'v'])],
  [{ value: 'v', arguments: WORDS }, every(['/bin/sh', '-c', 'v'])],
];

test('each cell', () => {
  for (const [command, wanted] of TABLE) {
    assert.deepEqual(
      IMAGES.map((image) => imageCommand(command, image)),
      wanted,
      JSON.stringify(command),
    );
  }
});

test.run();
