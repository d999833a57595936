/** Injected faults between scheduler and master: what each does, and that none does anything by itself. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import type { Call } from '../../mesos-master/wire/call.ts';
import type { MesosEvent } from '../../mesos-master/wire/event.ts';
import { accept, firstOffer, pause, stateOf, taskInfo, withRig, type Rig } from './rig.ts';
import type { Probe } from '../../mesos-master/probe.ts';

const isState =
  (state: string) =>
  (event: MesosEvent): boolean =>
    event.type === 'UPDATE' && event.update.status.state === `TASK_${state}`;
const isAccept = (call: Call): boolean => call.type === 'ACCEPT';

async function accepted(rig: Rig, probe: Probe): Promise<string> {
  const offer = await firstOffer(rig, probe);
  const answer = await accept(probe, [offer.id.value], [[taskInfo({ id: 't', agentId: offer.agent_id.value })]]).catch(() => undefined);
  return String(answer?.status ?? 'no answer');
}

test(
  'a dropped update comes with the retry',
  withRig({ timing: { statusRetryMs: 50 } }, async (rig) => {
    const fault = rig.master.faults.onEvents({ type: 'drop' }, { match: isState('RUNNING') });
    const probe = await rig.subscribe({ acknowledges: true });
    await accepted(rig, probe);
    await fault.spent;
    await stateOf(rig, probe, { id: 't', state: 'FINISHED' });
    assert.equal(fault.hits, 1);
  }),
);

test(
  'a duplicated and a delayed event',
  withRig({}, async (rig) => {
    rig.master.faults.onEvents({ type: 'duplicate' }, { match: isState('STARTING') });
    rig.master.faults.onEvents({ type: 'delay', ms: 60 }, { match: ({ type }) => type === 'OFFERS' });
    const from = performance.now();
    const probe = await rig.subscribe({ acknowledges: true });
    await accepted(rig, probe);
    assert.ok(performance.now() - from >= 55);
    await stateOf(rig, probe, { id: 't', state: 'FINISHED' });
    assert.deepEqual(
      probe.statusesOf('t').map(({ state }) => state),
      ['TASK_STARTING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'],
    );
  }),
);

test(
  'an ACCEPT lost on its way launches nothing',
  withRig({}, async (rig) => {
    rig.master.faults.onCalls({ type: 'lose-request' }, { match: isAccept });
    assert.equal(await accepted(rig, await rig.subscribe()), 'no answer');
    await pause(40);
    assert.equal(rig.master.launchCount('t'), 0);
  }),
);

test(
  'an ACCEPT whose answer is lost launches',
  withRig({}, async (rig) => {
    rig.master.faults.onCalls({ type: 'lose-answer' }, { match: isAccept });
    assert.equal(await accepted(rig, await rig.subscribe()), 'no answer');
    await rig.master.until(() => rig.master.launchCount('t') === 1);
  }),
);

test(
  'an ACCEPT that arrives twice launches once: its offer is used up',
  withRig({}, async (rig) => {
    rig.master.faults.onCalls({ type: 'duplicate' }, { match: isAccept });
    const probe = await rig.subscribe();
    await accepted(rig, probe);
    await stateOf(rig, probe, { id: 't', state: 'DROPPED' });
    assert.equal(rig.master.launchCount('t'), 1);
  }),
);

test(
  'an ACCEPT that arrives after a takeover is refused as a whole',
  withRig({}, async (rig) => {
    rig.master.faults.onCalls({ type: 'delay', ms: 40 }, { match: isAccept });
    const probe = await rig.subscribe();
    const answer = accepted(rig, probe);
    await firstOffer(rig, probe);
    await pause(10);
    await rig.subscribe({ frameworkId: probe.frameworkId });
    assert.equal(await answer, '400');
    assert.equal(rig.master.launchCount('t'), 0);
  }),
);

test(
  'any answer can be given instead',
  withRig({}, async (rig) => {
    rig.master.faults.onCalls({ type: 'answer', status: 503, body: 'No leader elected' }, { count: 2 });
    const probe = await rig.subscribe().catch((error: unknown) => String(error));
    assert.equal(probe, 'Error: SUBSCRIBE answered 503');
    rig.master.faults.clear();
    await rig.subscribe();
  }),
);

test(
  'a cut stream ends in mid-sentence',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe();
    rig.master.cutStreams();
    await rig.master.until(() => probe.closed === 'cut');
    await rig.master.until(() => rig.master.state?.frameworks.get(probe.frameworkId)?.stream === undefined);
  }),
);

test('the same seed gives the same ids and order', async () => {
  const runs: string[] = [];
  for (let run = 0; run < 2; run++) {
    await withRig({ seed: 99, agents: [{ http: false }, { http: false }, { http: false }] }, async (rig) => {
      const probe = await rig.subscribe();
      await rig.master.until(() => probe.offers.length === 3);
      runs.push(`${probe.frameworkId} ${probe.streamId} ${probe.offers.map((offer) => offer.agent_id.value).join()}`);
    })();
  }
  assert.equal(runs[0], runs[1]);
});

test(
  'a thousand agents with a task each',
  withRig(
    { agents: Array.from({ length: 1_000 }, () => ({ http: false })), timing: { executorRegistrationMs: 60_000, allocationMs: 200 } },
    async (rig) => {
      const probe = await rig.subscribe({ acknowledges: true });
      await rig.master.until(() => probe.offers.length >= 1_000);
      const offers = probe.offers.slice(0, 1_000);
      await Promise.all(
        offers.map((offer, index) => {
          const agentId = offer.agent_id.value;
          return accept(probe, [offer.id.value], [[taskInfo({ id: `a${index}`, agentId })]]);
        }),
      );
      await rig.master.until(() => probe.statuses.filter(({ state }) => state === 'TASK_FINISHED').length === 1_000, 40_000);
      assert.ok(offers.every((_, index) => rig.master.launchCount(`a${index}`) === 1));
    },
  ),
);

test.run();
