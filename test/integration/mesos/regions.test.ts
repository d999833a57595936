// limit: 120s
/** Agents in two regions: only a job that asks for the other one goes there, and one that does not says why it waits. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { until } from '../../support/until.ts';
import { withNode } from './node-rig.ts';

const here = { region: 'eu', zone: 'eu-1' };
const agents = [
  { name: 'near', domain: here, resources: { cpus: 1, mem: 128 } },
  { name: 'far', hostname: 'far', domain: { region: 'us', zone: 'us-1' }, resources: { cpus: 8, mem: 8192 } },
];

interface Why {
  readonly text: string;
  readonly data: { readonly shortage?: { readonly nearest: { readonly hostname: string; readonly lacks: readonly object[] } } };
}

test('a job goes to another region only when it asks for it', async () => {
  await withNode({ master: { agents, domain: here } }, async (rig) => {
    const task = { image: 'busybox', command: 'sleep 600', cpus: 1, mem: 128 };
    await rig.run({ name: 'first', task });
    await rig.awaitState('first', 'running');
    // The near agent is full now; all the room there is is far.
    await rig.run({ name: 'stays', task });
    await rig.run({ name: 'goes', task, constraints: [['@region', 'EQUALS', 'us']] });
    await rig.awaitState('goes', 'running');
    const launched = rig.master.history.entries.filter(({ kind }) => kind === 'launch').map(({ taskId, agentId }) => [taskId, agentId]);
    assert.deepEqual(launched, [
      ['first.1.1', rig.master.agent('near').id],
      ['goes.1.1', rig.master.agent('far').id],
    ]);

    let why: Why | undefined;
    const isTold = async (): Promise<boolean> => {
      why = (await rig.node.get<Why>('/v1/runs/stays/1/why')).body;
      return why.data.shortage !== undefined;
    };
    await until(isTold, { limitMs: 20_000, what: () => `the reason why it waits; ${JSON.stringify(why)}` });
    assert.match(why!.text, /of far, lacked nearness \(it is in region us, where only jobs run that ask for @region\)$/);
    assert.deepEqual(why!.data.shortage!.nearest.lacks, [{ what: 'region', region: 'us' }]);
    assert.equal(await rig.state('stays'), 'pending');
  });
});

test.run();
