/**
 * A process of its own over an embedded store, for tests that kill it. `embedded-child.ts <directory> <commit|hold>`
 *  commit: writes pairs for ever, some as leader and some as transactions, and prints each number once it is acknowledged;
 *  hold: opens the store, prints `open`, and waits.
 */

import { systemClock } from '../../src/clock/system-clock.ts';
import { openEmbeddedStore } from '../../src/store/embedded/embedded-store.ts';

// It does not outlive the test that started it.
process.stdin.resume().on('end', () => process.exit());

const [directory = '', mode = 'hold'] = process.argv.slice(2);

const store = await openEmbeddedStore({ directory, clock: systemClock });
const term = await store.campaign({ node: 'child', address: '' }, new AbortController().signal);
await store.announce('nodes/child', String(process.pid));
process.stdout.write(`open ${term.number}\n`);

const pair = (i: number) => [`${i}/left`, `${i}/right`].map((key) => ({ key, value: 'x'.repeat(i % 7_000) }));

async function writeAlone(start: number, step: number): Promise<void> {
  for (let i = start; ; i += step) {
    const result = await store.transact({ guards: [{ key: `${i}/left`, modRevision: 0n }], writes: pair(i) });
    if (result.ok) process.stdout.write(`${i} ${result.revision}\n`);
  }
}

async function writeAsLeader(start: number, step: number): Promise<void> {
  for (let i = start; ; i += step) process.stdout.write(`${i} ${await store.commit(term, pair(i))}\n`);
}

if (mode === 'commit') await Promise.all([writeAsLeader(0, 4), writeAlone(1, 4), writeAlone(2, 4), writeAlone(3, 4)]);
else await systemClock.sleep(600_000);
