/** Agents that die, stop, vanish, come back, are drained or removed: what a scheduler is told, and in which order. */

import { test } from 'uvu';
import assert from 'node:assert/strict';
import type { AgentHandle } from '../../mesos-master/agent-handle.ts';
import type { Probe } from '../../mesos-master/probe.ts';
import { ScriptedRunner, shellScript } from '../../mesos-master/runner/scripted.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import type { MesosEvent } from '../../mesos-master/wire/event.ts';
import { accept, brief, firstOffer, launch, pause, stateOf, story, taskInfo, withRig, type Rig } from './rig.ts';

const BACK = 'AGENT_REREGISTERED Unreachable agent re-reregistered';

function names(events: readonly MesosEvent[]): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'UPDATE') return [`${event.update.status.task_id.value} ${event.update.status.state}`];
    return event.type === 'RESCIND' || event.type === 'FAILURE' ? [event.type] : [];
  });
}

async function running(rig: Rig, probe: Probe, ids: readonly string[]): Promise<string> {
  const offer = await firstOffer(rig, probe);
  const agentId = offer.agent_id.value;
  await accept(probe, [offer.id.value], [ids.map((id) => taskInfo({ id, agentId, command: 'sleep 600', docker: id.startsWith('d') }))]);
  for (const id of ids) await stateOf(rig, probe, { id, state: 'RUNNING' });
  await rig.master.until(() => probe.offers.length > 1);
  await pause(20);
  return agentId;
}

/** Launches `t` on an agent that dies before it has heard of it, and is back. */
async function launchUnseen(rig: Rig, probe: Probe): Promise<AgentHandle> {
  const offer = await firstOffer(rig, probe);
  const agent = rig.master.agents[0] as AgentHandle;
  agent.stop();
  await accept(probe, [offer.id.value], [[taskInfo({ id: 't', agentId: offer.agent_id.value })]]);
  await agent.kill();
  await agent.restart();
  return agent;
}

/** With tasks that end only when told. */
function withScript(body: (rig: Rig, runner: ScriptedRunner) => Promise<void>): () => Promise<void> {
  return () => {
    const runner = new ScriptedRunner(systemClock, (run) => ({ ...shellScript(run), durationMs: Number.POSITIVE_INFINITY }));
    return withRig({ runner, timing: { agentRecoveryMs: 20 } }, (rig) => body(rig, runner))();
  };
}

test(
  'a dead agent process costs its offers at once and nothing else; back in time, tasks simply go on',
  withRig({ timing: { agentPingMs: 10_000, agentRecoveryMs: 20 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const agentId = await running(rig, probe, ['t', 'd']);
    const from = probe.events.length;
    await rig.master.agents[0]?.kill();
    await rig.master.until(() => probe.events.length > from);
    await pause(40);
    assert.deepEqual(names(probe.events.slice(from)), ['RESCIND']);
    await probe.call('RECONCILE', { reconcile: { tasks: [{ task_id: { value: 't' }, agent_id: { value: agentId } }] } });
    await rig.master.until(() => probe.statusesOf('t').at(-1)?.message === 'Reconciliation: Latest task state');
    const offers = probe.offers.length;
    await rig.master.agents[0]?.restart();
    await rig.master.until(() => probe.offers.length > offers);
    assert.deepEqual(story(probe, 'd'), ['STARTING EXECUTOR', 'RUNNING EXECUTOR']);
    await probe.call('KILL', { kill: { task_id: { value: 't' } } });
    await stateOf(rig, probe, { id: 't', state: 'KILLED' });
  }),
);

test(
  'a stopped agent keeps its offers until it is unreachable; then an update for each task, the rescind, the failure',
  withRig({ timing: { agentPingMs: 30, maxAgentPings: 3 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await running(rig, probe, ['t', 'd']);
    const from = probe.events.length;
    const stopped = performance.now();
    rig.master.agents[0]?.stop();
    await rig.master.until(() => probe.events.some(({ type }) => type === 'FAILURE'));
    const waited = performance.now() - stopped;
    assert.ok(waited >= 90, `${waited} ms`);
    assert.deepEqual(names(probe.events.slice(from)), ['t TASK_UNREACHABLE', 'd TASK_UNREACHABLE', 'RESCIND', 'FAILURE']);
  }),
);

test(
  'stopped and resumed in time, an agent was never away',
  withRig({ timing: { agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await running(rig, probe, ['t']);
    const from = probe.events.length;
    rig.master.agents[0]?.stop();
    await probe.call('KILL', { kill: { task_id: { value: 't' } } });
    await pause(40);
    assert.deepEqual(names(probe.events.slice(from)), []);
    rig.master.agents[0]?.resume();
    await stateOf(rig, probe, { id: 't', state: 'KILLED' });
  }),
);

test(
  'an agent that is resumed just as its pings run out registers again',
  withRig({ timing: { agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await running(rig, probe, ['t']);
    const [agent] = rig.master.agents;
    agent?.stop();
    rig.master.freezeMaster();
    // Its answer is on the way when the master gives up on it.
    agent?.resume();
    agent?.loseNow();
    await rig.master.thawMaster(0);
    await stateOf(rig, probe, { id: 't', state: 'UNREACHABLE' });
    await rig.master.until(() => probe.statusesOf('t').some((status) => brief(status) === `RUNNING MASTER ${BACK}`));
  }),
);

test(
  'a task that ended while its agent was unreachable: terminal without uuid, the stale RUNNING twice, then the real end',
  withScript(async (rig, runner) => {
    const probe = await rig.subscribe();
    const [agent] = rig.master.agents;
    const starting = await launch(rig, probe, { id: 'd', command: 'exit 3', docker: true, until: 'STARTING' });
    await probe.acknowledge(starting);
    // Its acknowledgement never gets to the agent.
    await stateOf(rig, probe, { id: 'd', state: 'RUNNING' });
    agent?.stop();
    agent?.loseNow();
    runner.end('d');
    await rig.master.until(() => probe.events.some(({ type }) => type === 'FAILURE'));
    const from = probe.statusesOf('d').length;
    agent?.resume();
    await rig.master.until(() => probe.statusesOf('d').length >= from + 3);
    const back = probe.statusesOf('d').slice(from);
    assert.deepEqual(back.map(brief), [`FAILED MASTER ${BACK}`, 'RUNNING EXECUTOR', 'RUNNING EXECUTOR']);
    await probe.acknowledge(back[1] as (typeof back)[number]);
    const end = await stateOf(rig, probe, { id: 'd', state: 'FAILED', source: 'EXECUTOR' });
    assert.equal(brief(end), 'FAILED EXECUTOR Container exited with status 3');
  }),
);

test(
  'an acknowledgement that is not on the disk yet is lost with the agent process: the update comes again',
  withRig({ timing: { ackMs: 60_000, agentRecoveryMs: 10, agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe();
    const starting = await launch(rig, probe, { id: 't', command: 'sleep 600', until: 'STARTING' });
    await probe.acknowledge(starting);
    await rig.master.agents[0]?.kill();
    await rig.master.agents[0]?.restart();
    await rig.master.until(() => probe.statusesOf('t').length >= 2);
    assert.equal(probe.statusesOf('t')[1]?.uuid, starting.uuid);
  }),
);

for (const [kind, docker, end] of [
  ['a command', false, 'FAILED AGENT EXECUTOR_TERMINATED Abnormal executor termination: unknown container'],
  ['a container', true, 'FINISHED EXECUTOR Container exited with status 0'],
] as const) {
  test(
    `${kind} that succeeds while the agent's process is dead and unreachable`,
    withScript(async (rig, runner) => {
      const probe = await rig.subscribe({ acknowledges: true });
      await launch(rig, probe, { id: 't', docker, until: 'RUNNING' });
      const [agent] = rig.master.agents;
      await agent?.kill();
      agent?.loseNow();
      runner.end('t');
      await stateOf(rig, probe, { id: 't', state: 'UNREACHABLE' });
      await agent?.restart();
      await rig.master.until(() => probe.statusesOf('t').some((status) => brief(status) === end));
    }),
  );
}

test(
  'a launch that the agent never got is dropped when it comes back, with a uuid, twice',
  withRig({ timing: { agentRecoveryMs: 10, agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe();
    await launchUnseen(rig, probe);
    await rig.master.until(() => probe.statusesOf('t').length >= 2);
    const [first, second] = probe.statusesOf('t');
    assert.equal(brief(first as NonNullable<typeof first>), 'DROPPED AGENT RECONCILIATION Reconciliation: task unknown to the agent');
    assert.equal(first?.uuid, second?.uuid);
    assert.equal(rig.master.history.count('start', 't'), 0);
  }),
);

test(
  'a dropped launch that nobody acknowledged is told again when the agent has died once more',
  withRig({ timing: { agentRecoveryMs: 10, agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe();
    const agent = await launchUnseen(rig, probe);
    const first = await stateOf(rig, probe, { id: 't', state: 'DROPPED' });
    await agent.kill();
    await agent.restart();
    await rig.master.until(() => probe.statusesOf('t').at(-1)?.uuid !== first.uuid);
    assert.equal(brief(probe.statusesOf('t').at(-1) ?? first), brief(first));
  }),
);

test(
  'what a container tells an agent that dies before it has read it is told to the next one',
  withScript(async (rig, runner) => {
    const probe = await rig.subscribe({ acknowledges: true });
    await launch(rig, probe, { id: 't', docker: true, until: 'RUNNING' });
    const [agent] = rig.master.agents;
    runner.end('t');
    await agent?.kill();
    await agent?.restart();
    await stateOf(rig, probe, { id: 't', state: 'FINISHED' });
  }),
);

test(
  'a framework without checkpoint loses its tasks with the agent process, container included at its restart',
  withRig({ timing: { agentRecoveryMs: 10, agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true, info: { checkpoint: false } });
    const agentId = await running(rig, probe, ['t', 'd']);
    const from = probe.events.length;
    await rig.master.agents[0]?.kill();
    await stateOf(rig, probe, { id: 'd', state: 'LOST' });
    assert.deepEqual(names(probe.events.slice(from)), ['RESCIND', 't TASK_LOST', 'd TASK_LOST']);
    assert.equal(
      brief(await stateOf(rig, probe, { id: 't', state: 'LOST' })),
      'LOST MASTER AGENT_DISCONNECTED Agent localhost disconnected',
    );
    assert.equal(rig.master.history.count('end', 't'), 1);
    assert.equal(rig.master.history.count('end', 'd'), 0);
    await probe.call('RECONCILE', { reconcile: { tasks: [{ task_id: { value: 't' }, agent_id: { value: agentId } }] } });
    await stateOf(rig, probe, { id: 't', state: 'GONE' });
    await rig.master.agents[0]?.restart();
    assert.equal(rig.master.history.count('end', 'd'), 1);
  }),
);

test(
  'a replaced agent leaves what it ran running, for nobody',
  withRig({ timing: { agentRecoveryMs: 10, agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const oldId = await running(rig, probe, ['t', 'd']);
    const [agent] = rig.master.agents;
    await agent?.kill();
    await agent?.replace();
    assert.notEqual(agent?.id, oldId);
    await stateOf(rig, probe, { id: 'd', state: 'LOST' });
    await pause(20);
    assert.equal(rig.master.history.count('end', 'd') + rig.master.history.count('end', 't'), 0);
  }),
);

test(
  'an agent that disconnects and reconnects is offered again',
  withRig({ timing: { agentPingMs: 60_000 } }, async (rig) => {
    const probe = await rig.subscribe();
    await firstOffer(rig, probe);
    const [agent] = rig.master.agents;
    agent?.disconnect();
    await rig.master.until(() => probe.events.some(({ type }) => type === 'RESCIND'));
    await agent?.reconnect();
    await rig.master.until(() => probe.offers.length === 2);
  }),
);

test(
  'max_completion_time: a container gets no grace, a command gets TERM',
  withRig({}, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const more = { max_completion_time: { nanoseconds: 50e6 } };
    await launch(rig, probe, { id: 'd', command: 'sleep 600', docker: true, more, until: 'RUNNING' });
    await launch(rig, probe, { id: 't', command: 'sleep 600', more, until: 'RUNNING' });
    const reason = 'FAILED EXECUTOR MAX_COMPLETION_TIME_REACHED';
    assert.equal(brief(await stateOf(rig, probe, { id: 'd', state: 'FAILED' })), `${reason} Container exited with status 137`);
    assert.equal(brief(await stateOf(rig, probe, { id: 't', state: 'FAILED' })), `${reason} Command terminated with signal Terminated`);
  }),
);

test(
  'UCR images run only where they can be provisioned',
  withRig({ agents: [{ name: 'plain' }], runner: new ScriptedRunner(systemClock) }, async (rig) => {
    const probe = await rig.subscribe({ acknowledges: true });
    const more = { container: { type: 'MESOS', mesos: { image: { type: 'DOCKER', docker: { name: 'busybox' } } } } };
    const status = await launch(rig, probe, { id: 't', more, until: 'FAILED' });
    assert.equal(brief(status), 'FAILED AGENT CONTAINER_LAUNCH_FAILED Failed to launch container: Unsupported container image type: 2');
  }),
);

test.run();
