/** RECONCILE and KILL beyond the recordings: the barrier, silence after a restart, agents given up, kills. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import { send, type Probe } from '../../mesos-master/probe.ts';
import { accept, brief, firstOffer, launch, pause, stateOf, story, taskInfo, withRig, type Rig } from './rig.ts';

const RESTART = { timing: { masterRefusesMs: 1, masterNoRoutesMs: 1, masterRecoversMs: 1 } };
const AWAY = { agentsAfterMs: Number.POSITIVE_INFINITY };

function ask(probe: Probe, id: string, agentId?: string): ReturnType<Probe['call']> {
  return probe.call('RECONCILE', {
    reconcile: { tasks: [{ task_id: { value: id }, ...(agentId === undefined ? {} : { agent_id: { value: agentId } }) }] },
  });
}

test(
  'a task that nothing was heard of yet is TASK_STAGING',
  withRig({ timing: { commandStartingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    await accept(probe, [offer.id.value], [[taskInfo({ id: 't', agentId: offer.agent_id.value })]]);
    await ask(probe, 't', offer.agent_id.value);
    assert.equal(
      brief(await stateOf(rig, probe, { id: 't', state: 'STAGING' })),
      'STAGING MASTER RECONCILIATION Reconciliation: Latest task state',
    );
  }),
);

test(
  'an implicit RECONCILE answers all before an explicit one that follows it: the barrier',
  withRig({ interleave: true, agents: [{ resources: { cpus: 100, mem: 10_000 } }] }, async (rig) => {
    const probe = await rig.subscribe();
    const offer = await firstOffer(rig, probe);
    const ids = Array.from({ length: 100 }, (_, index) => `t${index}`);
    await accept(probe, [offer.id.value], [ids.map((id) => taskInfo({ id, agentId: offer.agent_id.value, command: 'sleep 600' }))]);
    await rig.master.until(() => ids.every((id) => probe.statusesOf(id).length > 0));
    await probe.call('RECONCILE', { reconcile: { tasks: [] } });
    await ask(probe, 'barrier', 'made-up');
    await stateOf(rig, probe, { id: 'barrier', state: 'UNKNOWN' });
    const answers = probe.statuses.filter(({ reason }) => reason === 'REASON_RECONCILIATION').map(({ task_id }) => task_id.value);
    assert.equal(answers.length, 101);
    assert.equal(answers.at(-1), 'barrier');
  }),
);

test(
  'after a restart the barrier without agent_id is silent while one agent is missing',
  withRig({ ...RESTART, agents: [{ name: 'a' }, { name: 'b' }] }, async (rig) => {
    const old = await rig.subscribe();
    await rig.master.restartMaster(AWAY);
    const probe = await rig.subscribe({ frameworkId: old.frameworkId });
    await rig.master.agent('a').reconnect();
    await ask(probe, 'one');
    await ask(probe, 'two', 'made-up');
    await stateOf(rig, probe, { id: 'two', state: 'UNKNOWN' });
    assert.equal(probe.statusesOf('one').length, 0);
    await rig.master.agent('b').reconnect();
    await ask(probe, 'three');
    await stateOf(rig, probe, { id: 'three', state: 'UNKNOWN' });
    assert.equal(probe.statusesOf('one').length, 0);
  }),
);

test(
  'an agent that does not come back after a restart is announced by a FAILURE alone, and its task is unreachable then',
  withRig({ timing: { ...RESTART.timing, agentReregisterTimeoutMs: 50 } }, async (rig) => {
    const old = await rig.subscribe({ acknowledges: true });
    const running = await launch(rig, old, { id: 't', command: 'sleep 600', until: 'RUNNING' });
    const agentId = running.agent_id?.value ?? '';
    await rig.master.restartMaster(AWAY);
    const probe = await rig.subscribe({ frameworkId: old.frameworkId });
    await rig.master.until(() => probe.events.some(({ type }) => type === 'FAILURE'));
    assert.equal(probe.statuses.length, 0);
    await ask(probe, 't', agentId);
    const status = await stateOf(rig, probe, { id: 't', state: 'UNREACHABLE' });
    assert.ok((status.unreachable_time?.nanoseconds ?? 0) > 1e18);
    await rig.master.agents[0]?.reconnect();
    assert.equal(
      brief(await stateOf(rig, probe, { id: 't', state: 'RUNNING' })),
      'RUNNING MASTER AGENT_REREGISTERED Unreachable agent re-reregistered',
    );
  }),
);

test(
  'a framework known from its agents only is shown as recovered, keeps its tasks, and can come back late',
  withRig(RESTART, async (rig) => {
    const old = await rig.subscribe({ acknowledges: true, info: { failover_timeout: 0.02 } });
    await launch(rig, old, { id: 't', command: 'sleep 600', until: 'RUNNING' });
    await rig.master.restartMaster({ agentsAfterMs: 1 });
    await rig.master.until(() => rig.master.state?.frameworks.has(old.frameworkId) === true);
    await pause(80);
    const state = JSON.parse((await send({ address: rig.master.address, path: '/state', method: 'GET' })).body) as {
      frameworks: { active: boolean; connected: boolean; recovered: boolean; tasks: { id: string }[] }[];
    };
    const { active, connected, recovered, tasks } = state.frameworks[0] ?? {};
    assert.deepEqual(
      { active, connected, recovered, tasks: tasks?.map(({ id }) => id) },
      { active: false, connected: false, recovered: true, tasks: ['t'] },
    );
    const again = await rig.subscribe({ frameworkId: old.frameworkId });
    await ask(again, 't');
    await stateOf(rig, again, { id: 't', state: 'RUNNING' });
  }),
);

interface Killing {
  readonly what: string;
  readonly task: { readonly command: string; readonly docker?: boolean; readonly more?: Readonly<Record<string, unknown>> };
  readonly policyMs?: number;
  readonly text: string;
}

const grace = (ms: number): object => ({ grace_period: { nanoseconds: ms * 1e6 } });

const KILLS: readonly Killing[] = [
  { what: 'a command', task: { command: 'sleep 600' }, text: 'KILLED EXECUTOR Command terminated with signal Terminated' },
  {
    what: 'a command that ignores TERM',
    task: { command: 'trap "" TERM; sleep 600' },
    policyMs: 20,
    text: 'KILLED EXECUTOR Command terminated with signal Killed',
  },
  {
    what: 'a container, whose shell ignores TERM',
    task: { command: 'sleep 600', docker: true },
    policyMs: 20,
    text: 'KILLED EXECUTOR Container exited with status 137',
  },
  {
    what: 'a container with a policy of its own',
    task: { command: 'sleep 600', docker: true, more: { kill_policy: grace(20) } },
    text: 'KILLED EXECUTOR Container exited with status 137',
  },
];

for (const { what, task, policyMs, text } of KILLS) {
  test(
    `KILL of ${what}`,
    withRig({}, async (rig) => {
      const probe = await rig.subscribe({ acknowledges: true });
      const running = await launch(rig, probe, { id: 't', ...task, until: 'RUNNING' });
      const kill = {
        task_id: { value: 't' },
        agent_id: running.agent_id,
        ...(policyMs === undefined ? {} : { kill_policy: grace(policyMs) }),
      };
      await probe.call('KILL', { kill });
      await probe.call('KILL', { kill });
      assert.equal(brief(await stateOf(rig, probe, { id: 't', state: 'KILLED' })), text);
    }),
  );
}

test(
  'a framework with TASK_KILLING_STATE hears of the kill at once',
  withRig({}, async (rig) => {
    const capabilities = [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }, { type: 'TASK_KILLING_STATE' }];
    const probe = await rig.subscribe({ acknowledges: true, info: { capabilities } });
    await launch(rig, probe, { id: 't', command: 'sleep 600', docker: true, until: 'RUNNING' });
    await probe.call('KILL', { kill: { task_id: { value: 't' }, kill_policy: grace(50) } });
    await stateOf(rig, probe, { id: 't', state: 'KILLED' });
    assert.deepEqual(story(probe, 't'), [
      'STARTING EXECUTOR',
      'RUNNING EXECUTOR',
      'KILLING EXECUTOR',
      'KILLED EXECUTOR Container exited with status 137',
    ]);
  }),
);

test(
  'KILL before the executor is there',
  withRig({ timing: { commandStartingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const offer = await firstOffer(rig, probe);
    await accept(probe, [offer.id.value], [[taskInfo({ id: 't', agentId: offer.agent_id.value })]]);
    await probe.call('KILL', { kill: { task_id: { value: 't' } } });
    const status = await stateOf(rig, probe, { id: 't', state: 'KILLED' });
    assert.equal(brief(status), 'KILLED AGENT TASK_KILLED_DURING_LAUNCH Killed before delivery to the executor');
    assert.notEqual(status.uuid, undefined);
  }),
);

async function nothingHappensOn(rig: Rig, kill: (agentId: string) => Record<string, unknown>): Promise<void> {
  const probe = await rig.subscribe({ acknowledges: true });
  const running = await launch(rig, probe, { id: 't', command: 'sleep 600', until: 'RUNNING' });
  const answer = await probe.call('KILL', { kill: kill(running.agent_id?.value ?? '') });
  assert.equal(answer.status, 202);
  await pause(60);
  assert.deepEqual(story(probe, 't'), ['STARTING EXECUTOR', 'RUNNING EXECUTOR']);
}

test(
  'KILL with a wrong agent_id does nothing',
  withRig({}, (rig) => nothingHappensOn(rig, () => ({ task_id: { value: 't' }, agent_id: { value: 'elsewhere' } }))),
);

test(
  'KILL while the agent is unreachable answers like RECONCILE and is not remembered',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const running = await launch(rig, probe, { id: 't', command: 'sleep 600', until: 'RUNNING' });
    const [agent] = rig.master.agents;
    agent?.stop();
    agent?.loseNow();
    await stateOf(rig, probe, { id: 't', state: 'UNREACHABLE' });
    await probe.call('KILL', { kill: { task_id: { value: 't' }, agent_id: running.agent_id } });
    await rig.master.until(() => probe.statusesOf('t').at(-1)?.reason === 'REASON_RECONCILIATION');
    agent?.resume();
    // A RUNNING whose acknowledgement the agent had not seen comes once more after it.
    await rig.master.until(() => probe.statusesOf('t').some(({ reason }) => reason === 'REASON_AGENT_REREGISTERED'));
    await pause(40);
    assert.equal(probe.statusesOf('t').at(-1)?.state, 'TASK_RUNNING');
  }),
);

test.run();
