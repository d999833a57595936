/**
 * A process of its own over an etcd store, for tests about processes. `etcd-child.ts <host> <prefix> <lead|exit>`
 *  lead: campaigns, announces itself, prints `leads <term>`, and commits until that fails, printing each revision, then `failed <code>`
 *        and, when the term ends, `over`; then closes;
 *  exit: uses everything once, closes, and must then end by itself.
 */

import { systemClock } from '../../src/clock/system-clock.ts';
import { StoreError } from '../../src/store/errors.ts';
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts';

const [host = '', prefix = '', mode = 'exit'] = process.argv.slice(2);
const never = new AbortController().signal;

const store = await openEtcdStore({ hosts: [host], prefix, clock: systemClock, leaseTtlMs: 2_000 });
const term = await store.campaign({ node: `child-${process.pid}`, address: '' }, never);
await store.announce(`nodes/child-${process.pid}`, 'here');
process.stdout.write(`leads ${term.number}\n`);

async function lead(): Promise<void> {
  // It does not outlive the test that started it.
  process.stdin.resume().on('end', () => process.exit());
  term.signal.addEventListener('abort', () => process.stdout.write('over\n'));
  try {
    for (;;) process.stdout.write(`${await store.commit(term, [{ key: 'beat', value: String(process.pid) }])}\n`);
  } catch (error) {
    process.stdout.write(`failed ${error instanceof StoreError ? error.code : String(error)}\n`);
  }
  process.stdin.destroy();
}

async function useEverything(): Promise<void> {
  const watch = store.watch((await store.snapshot()).revision, never)[Symbol.asyncIterator]();
  const first = watch.next();
  await store.commit(term, [{ key: 'x', value: '1' }]);
  await first;
  watch.next().catch(() => undefined);
}

await (mode === 'lead' ? lead() : useEverything());
await store.close();
process.stdout.write('closed\n');
