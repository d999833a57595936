/** Three etcd members, one of which fails. Nothing may be lost or doubled. */

import assert from 'node:assert/strict';
import { Etcd3 } from 'etcd3';
import { test } from 'uvu';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { assertWhole, collect } from '../../contract/store-steps.ts';
import type { startEtcd } from '../../support/etcd.ts';
import { candidate, etcdRig, never, pair } from '../../support/etcd-rig.ts';
import { until } from '../../support/until.ts';

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`${signal} of the leading one of three etcd members costs no commit and no event`, async () => {
    const { etcd, open, end } = await etcdRig(3);
    const store = await open({ leaseTtlMs: 30_000, watchCheckMs: 500 });
    const term = await store.campaign(candidate('n'), never);
    // One reader to each member, so that one surely hangs on the member that fails.
    const readers = await Promise.all(
      etcd.hosts.map((_, i) =>
        open({ hosts: [...etcd.hosts.slice(i), ...etcd.hosts.slice(0, i)], watchCheckMs: 500, clock: { ...systemClock, random: () => 0 } }),
      ),
    );
    const watches = readers.map((reader) => collect(reader, term.number));
    let committed = 0;
    let last = 0n;
    const count = 400;
    const committing = (async () => {
      for (; committed < count; committed += 1) last = await store.commit(term, pair(String(committed)));
    })();
    await until(() => committed > 50, { limitMs: 20_000, what: 'the first commits' });
    await (await leadingMember(etcd)).kill(signal);
    await committing;
    for (const watch of watches) {
      await watch.reaches(last, 25_000);
      await watch.stop();
      assertWhole(watch.batches);
      assert.deepEqual(
        watch
          .changes()
          .filter(({ key }) => key === 'l')
          .map(({ value }) => value),
        Array.from({ length: count }, (_, i) => String(i)),
      );
    }
    assert.equal(term.signal.aborted, false);
    await end();
  });
}

async function leadingMember(etcd: Awaited<ReturnType<typeof startEtcd>>) {
  for (const node of etcd.nodes) {
    const client = new Etcd3({ hosts: [node.host] });
    const status = await client.maintenance.status();
    client.close();
    if (status.header.member_id === status.leader) return node;
  }
  throw new StoreError('unavailable', 'no member leads');
}

test.run();
