/**
 * What every local executor keeps, whatever runs its tasks. An adapter's test calls executorContract() with a way to make
 * a machine of its own; `create()` on it gives a new adapter on the same machine, as a new node would be.
 */

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import type { Executor, Resources, TaskSpec, TaskStatus } from '../../src/executor/port.ts';
import { ExecutorDriver, IDENTITY, PLAIN_TASK } from '../support/executor-driver.ts';
import { until } from '../support/until.ts';

export interface ExecutorMachine {
  /** Each adapter has the resources given, at least. */
  create(resources: Resources): Executor;
  /** What a task needs beside a command: an image, or nothing. */
  readonly task: Partial<TaskSpec>;
  /** Stops all adapters made, ends all tasks left, removes everything. */
  remove(): Promise<void>;
}

const RESOURCES: Resources = { cpus: 2, mem: 1024, disk: 1000, gpus: 0, ports: [[31_000, 31_009]] };

interface Bundle {
  readonly machine: ExecutorMachine;
  /** A started adapter and its driver; the ones before must have been stopped. */
  begin(alive?: readonly string[], identity?: string): Promise<ExecutorDriver>;
}

/** `done` is called at the very end. */
export function executorContract(name: string, makeMachine: () => Promise<ExecutorMachine>, done?: () => Promise<void>): void {
  const contract = suite(`executor contract: ${name}`);
  contract.after(async () => done?.());
  const check = (sentence: string, body: (bundle: Bundle) => Promise<void>): void => {
    contract(sentence, async () => {
      const machine = await makeMachine();
      const drivers: ExecutorDriver[] = [];
      const begin: Bundle['begin'] = (alive, identity = IDENTITY) => {
        const driver = new ExecutorDriver(machine.create(RESOURCES), { ...PLAIN_TASK, ...machine.task });
        driver.identity = identity;
        drivers.push(driver);
        return driver.start(alive);
      };
      try {
        await body({ machine, begin });
      } finally {
        for (const driver of drivers) await driver.executor.stop();
        await machine.remove();
      }
    });
  };
  for (const part of [endings, kills, restarts, strangers, offers, logs, remains]) part(check);
  contract.run();
}

type Check = (sentence: string, body: (bundle: Bundle) => Promise<void>) => void;

function endings(check: Check): void {
  check('a task that runs is said to run, then to have finished, with its exit code', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['true']);
    const { exitCode, ack, at } = await driver.awaitState('a.1.1', 'finished');
    assert.equal(exitCode, 0);
    assert.ok(ack !== undefined && at !== undefined && Math.abs(at - Date.now()) < 60_000);
    const states = driver.states('a.1.1').filter((state) => state !== 'starting' && state !== 'staging');
    assert.match(states.join(), /^(running,)?finished$/);
  });

  check('an exit code other than 0 is a failure, and is told', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['sh', '-c', 'exit 3']);
    const status = await driver.awaitState('a.1.1', 'failed');
    assert.equal(status.exitCode, 3);
    assert.equal(status.signal, undefined);
  });

  check('a signal that nobody asked for is a failure, and is named', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', "sh -c 'kill -KILL $$'; exit $?");
    const status = await driver.awaitState('a.1.1', 'failed');
    assert.equal(status.exitCode, 137);
    assert.equal(status.signal, 'SIGKILL');
  });

  check('a command that does not exist fails with 127', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['no-such-command', 'x']);
    const status = await driver.awaitState('a.1.1', 'failed');
    assert.equal(status.exitCode, 127);
    assert.match(status.message ?? '', /no-such-command/);
  });

  check('exec form gets its arguments as they are; a string goes through the shell', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['echo', '$A;', '* "x"']);
    await driver.launch('b.1.1', 'echo "$A"; echo b', { env: { A: 'x y' } });
    await driver.awaitState('a.1.1', 'finished');
    await driver.awaitState('b.1.1', 'finished');
    assert.equal(await driver.log('a.1.1'), '$A; * "x"\n');
    assert.equal(await driver.log('b.1.1'), 'x y\nb\n');
  });

  check("a task has its own environment and not the node's", async ({ begin }) => {
    process.env['KAIROS_TEST_SECRET'] = 'secret';
    const driver = await begin();
    await driver.launch('a.1.1', ['env'], { env: { KAIROS_JOB: 'a', 'with.dot': '1' } });
    await driver.awaitState('a.1.1', 'finished');
    const log = (await driver.log('a.1.1')) ?? '';
    assert.match(log, /^KAIROS_JOB=a$/m);
    assert.match(log, /^PATH=/m);
    assert.doesNotMatch(log, /secret/);
  });

  check('a launch with an id that was launched before starts nothing, and tells what became of it', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', 'echo once');
    await driver.awaitState('a.1.1', 'finished');
    await driver.launch('a.1.1', 'echo twice');
    await until(() => driver.states('a.1.1').filter((state) => state === 'finished').length === 2, {
      limitMs: 5000,
      what: 'the same state again',
    });
    const status = await driver.awaitState('a.1.1', 'finished');
    driver.acknowledge(status);
    await driver.launch('a.1.1', 'echo thrice');
    await until(() => driver.states('a.1.1').filter((state) => state === 'finished').length === 3, {
      limitMs: 5000,
      what: 'the same state again',
    });
    assert.equal(await driver.log('a.1.1'), 'once\n');
  });
}

function kills(check: Check): void {
  const POLITE = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done';
  const STUBBORN = 'trap "" TERM; echo up; while :; do sleep 0.05; done';
  const awaitUp = (driver: ExecutorDriver, taskId: string): Promise<void> =>
    until(async () => (await driver.log(taskId)) === 'up\n', { limitMs: 5000, what: `${taskId} to be up` });

  check('a kill lets the task end politely, and it counts as killed', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', POLITE);
    await awaitUp(driver, 'a.1.1');
    driver.kill('a.1.1', 60_000);
    const status = await driver.awaitState('a.1.1', 'killed');
    assert.equal(status.exitCode, 0);
    assert.equal(await driver.log('a.1.1'), 'up\nbye\n');
  });

  check('a task that does not end within its grace is forced to', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', STUBBORN);
    await awaitUp(driver, 'a.1.1');
    driver.kill('a.1.1', 300);
    const status = await driver.awaitState('a.1.1', 'killed');
    assert.equal(status.signal, 'SIGKILL');
  });

  check('a kill that is repeated with less grace ends sooner, and is told once', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', STUBBORN);
    await awaitUp(driver, 'a.1.1');
    driver.kill('a.1.1', 600_000);
    await driver.awaitState('a.1.1', 'killing');
    driver.kill('a.1.1', 0);
    await driver.awaitState('a.1.1', 'killed');
  });

  check('a kill of a task that is over tells how it ended; of one never heard of, that it is unknown', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['true']);
    driver.acknowledge(await driver.awaitState('a.1.1', 'finished'));
    driver.kill('a.1.1', 0);
    await until(() => driver.states('a.1.1').filter((state) => state === 'finished').length === 2, {
      limitMs: 5000,
      what: 'its end again',
    });
    driver.kill('b.1.1', 0);
    assert.equal((await driver.awaitState('b.1.1', 'unknown')).ack, undefined);
  });

  check('a kill begun by one adapter is finished by the next', async ({ begin }) => {
    const first = await begin();
    await first.launch('a.1.1', STUBBORN);
    await awaitUp(first, 'a.1.1');
    first.kill('a.1.1', 500);
    await first.awaitState('a.1.1', 'killing');
    await first.executor.stop();
    const second = await begin(['a.1.1']);
    assert.equal((await second.awaitState('a.1.1', 'killed')).signal, 'SIGKILL');
  });

  check('a kill right behind the launch ends the task, or keeps it from beginning', async ({ begin }) => {
    const driver = await begin();
    for (const taskId of ['a.1.1', 'a.2.1', 'a.3.1']) {
      await driver.launch(taskId, ['sleep', '60']);
      driver.kill(taskId, 100);
      await driver.awaitState(taskId, 'killed');
    }
    assert.deepEqual(await driver.reconcile([]), []);
  });
}

function restarts(check: Check): void {
  check('a task that runs is found by the next adapter, which sees its end', async ({ begin }) => {
    const first = await begin();
    await first.launch('a.1.1', 'echo begun; sleep 1; echo done; exit 4');
    await first.awaitState('a.1.1', 'running');
    await first.executor.stop();
    const second = await begin(['a.1.1']);
    assert.equal(second.states('a.1.1')[0], 'running');
    assert.equal((await second.awaitState('a.1.1', 'failed')).exitCode, 4);
    assert.equal(await second.log('a.1.1'), 'begun\ndone\n');
    assert.equal(first.states('a.1.1').includes('failed'), false);
  });

  check('a task that ended while there was no adapter is told by the next', async ({ begin }) => {
    const first = await begin();
    await first.launch('a.1.1', 'echo up; sleep 0.3; exit 5');
    await first.awaitState('a.1.1', 'running');
    await first.executor.stop();
    const gone = async (): Promise<boolean> => (await first.log('a.1.1')) === 'up\n';
    await until(gone, { limitMs: 5000, what: 'its output, read through a stopped adapter' });
    const second = await begin(['a.1.1']);
    assert.equal((await second.awaitState('a.1.1', 'failed')).exitCode, 5);
  });

  check(
    'an end that was not acknowledged is told again by the next adapter, unasked; one that was is told when asked',
    async ({ begin }) => {
      const first = await begin();
      await first.launch('a.1.1', ['true']);
      await first.launch('b.1.1', ['true']);
      await first.awaitState('a.1.1', 'finished');
      first.acknowledge(await first.awaitState('b.1.1', 'finished'));
      await first.executor.stop();
      const second = await begin();
      assert.ok((await second.awaitState('a.1.1', 'finished')).ack !== undefined);
      assert.deepEqual(second.states('b.1.1'), []);
      const [status] = await second.reconcile(['b.1.1']);
      assert.equal(status?.state, 'finished');
      assert.ok(status?.ack !== undefined);
      second.acknowledge(status);
    },
  );

  check('reconcile answers unknown for what was never launched, and tells of what runs unasked', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['sleep', '60']);
    await driver.awaitState('a.1.1', 'running');
    const answers = await driver.reconcile(['x.1.1']);
    assert.deepEqual(told(answers), ['a.1.1 running', 'x.1.1 unknown']);
    driver.kill('a.1.1', 0);
    await driver.awaitState('a.1.1', 'killed');
  });

  check('the same adapter can be stopped and started again', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['sleep', '60']);
    await driver.awaitState('a.1.1', 'running');
    await driver.executor.stop();
    await driver.executor.stop();
    const count = driver.events.length;
    driver.executor.perform({ type: 'revive' });
    await driver.start(['a.1.1']);
    const states = driver.events.slice(count).flatMap((event) => (event.type === 'status' ? [event.status.state] : []));
    assert.deepEqual(new Set(states), new Set(['running']));
    driver.kill('a.1.1', 0);
    await driver.awaitState('a.1.1', 'killed');
  });
}

function strangers(check: Check): void {
  const OTHER = 'fedcba9876543210';

  check('a store begun anew has the same task ids, and nothing to do with the tasks of the one before', async ({ begin }) => {
    const before = await begin();
    await before.launch('a.1.1', 'echo before; sleep 60');
    await before.launch('b.1.1', 'echo before');
    await before.awaitState('b.1.1', 'finished');
    await before.awaitState('a.1.1', 'running');
    await before.executor.stop();
    const anew = await begin(['a.1.1', 'b.1.1'], OTHER);
    assert.deepEqual([...anew.states('a.1.1'), ...anew.states('b.1.1')], ['unknown', 'unknown']);
    anew.kill('a.1.1', 0);
    await anew.launch('a.1.1', 'echo anew; exit 3');
    assert.equal((await anew.awaitState('a.1.1', 'failed')).exitCode, 3);
    assert.equal(await anew.log('a.1.1'), 'anew\n');
    assert.equal(await anew.log('b.1.1'), undefined);
    anew.perform({ type: 'forget', tasks: [anew.ref('a.1.1'), anew.ref('b.1.1')] });
    await anew.reconcile(['a.1.1', 'b.1.1']);
    await anew.executor.stop();
    const again = await begin(['a.1.1', 'b.1.1']);
    assert.equal(again.states('a.1.1')[0], 'running');
    assert.equal(again.states('b.1.1')[0], 'finished');
    again.kill('a.1.1', 0);
    await again.awaitState('a.1.1', 'killed');
    assert.equal(await again.log('a.1.1'), 'before\n');
  });

  check('of a task that was put on another agent it says that it is out of reach, and not that there is none', async ({ begin }) => {
    const driver = await begin();
    const elsewhere = { taskId: 'a.1.1', agentId: 'process@elsewhere', address: '' };
    driver.perform({ type: 'reconcile', tasks: [elsewhere] });
    assert.equal((await driver.awaitState('a.1.1', 'unreachable')).reason, 'other-agent');
    driver.perform({ type: 'kill', task: { ...elsewhere, taskId: 'b.1.1' }, graceMs: 0 });
    await driver.awaitState('b.1.1', 'unreachable');
    assert.deepEqual(told(await driver.reconcile(['a.1.1'])), ['a.1.1 unknown'], 'of its own it knows');
  });
}

function offers(check: Check): void {
  const settled = (driver: ExecutorDriver, cpus: number): Promise<void> =>
    until(() => driver.offeredCpus() === cpus, { limitMs: 10_000, what: () => `${cpus} cpus on offer; there are ${driver.offeredCpus()}` });

  check('a launch takes its share, the rest comes back, and so does the share when the task ends', async ({ begin }) => {
    const driver = await begin();
    await settled(driver, 2);
    await driver.launch('a.1.1', 'sleep 0.5', { task: { cpus: 0.3, mem: 100 }, ports: [31_004] });
    await settled(driver, 1.7);
    const [offer] = driver.offers.values();
    assert.equal(offer?.resources.mem, 924);
    assert.deepEqual(offer?.resources.ports, [
      [31_000, 31_003],
      [31_005, 31_009],
    ]);
    await driver.awaitState('a.1.1', 'finished');
    await settled(driver, 2);
  });

  check('what does not fit its offers, or uses one that is gone, is not launched', async ({ begin }) => {
    const driver = await begin();
    await settled(driver, 2);
    const offerIds = [...driver.offers.keys()];
    const tasks = ['a.1.1', 'a.2.1', 'a.3.1'].map((taskId) => driver.taskLaunch(taskId, ['sleep', '60'], { task: { cpus: 0.9 } }));
    driver.perform({ type: 'launch', offerIds, tasks });
    assert.equal((await driver.awaitState('a.3.1', 'not-launched')).reason, 'offer-insufficient');
    driver.perform({ type: 'launch', offerIds, tasks: [driver.taskLaunch('b.1.1', ['true'])] });
    assert.equal((await driver.awaitState('b.1.1', 'not-launched')).reason, 'offer-invalid');
    await settled(driver, 0.2);
    for (const taskId of ['a.1.1', 'a.2.1']) {
      driver.kill(taskId, 0);
      await driver.awaitState(taskId, 'killed');
    }
    await settled(driver, 2);
  });

  check('the next adapter offers only what is free', async ({ begin }) => {
    const first = await begin();
    await first.launch('a.1.1', ['sleep', '60'], { task: { cpus: 1.5 } });
    await first.awaitState('a.1.1', 'running');
    await first.executor.stop();
    const second = await begin();
    await settled(second, 0.5);
    second.kill('a.1.1', 0);
    await settled(second, 2);
  });

  check('what was declined is offered again after a while, or when revived', async ({ begin }) => {
    const driver = await begin();
    await settled(driver, 2);
    driver.perform({ type: 'decline', offerIds: [...driver.offers.keys()], refuseMs: 200 });
    await settled(driver, 0);
    await settled(driver, 2);
    driver.perform({ type: 'decline', offerIds: [...driver.offers.keys()], refuseMs: 600_000 });
    driver.perform({ type: 'suppress' });
    await settled(driver, 0);
    driver.perform({ type: 'revive' });
    await settled(driver, 2);
  });
}

function logs(check: Check): void {
  check('a log is read from any offset, also from the end, and standard error apart', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', 'echo 0123456789; echo oops >&2; echo abcdefghij');
    await driver.awaitState('a.1.1', 'finished');
    assert.equal(await driver.log('a.1.1'), '0123456789\nabcdefghij\n');
    assert.equal(await driver.log('a.1.1', { stream: 'stderr' }), 'oops\n');
    assert.equal(await driver.log('a.1.1', { offset: 5, length: 8 }), '56789\nab');
    assert.equal(await driver.log('a.1.1', { offset: -5 }), 'ghij\n');
    assert.equal(await driver.log('a.1.1', { offset: -500, length: 3 }), '012');
    assert.equal(await driver.log('a.1.1', { offset: 100 }), '');
    const end = await driver.executor.readLog({ task: driver.ref('a.1.1'), stream: 'stdout', offset: -4, length: 100 });
    assert.equal(end?.offset, 18);
    assert.equal(await driver.log('x.1.1'), undefined);
    assert.equal(await driver.log('../x'), undefined);
  });

  check('a log grows while the task runs', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', 'echo one; sleep 60');
    await until(async () => (await driver.log('a.1.1')) === 'one\n', { limitMs: 5000, what: 'its first line' });
    driver.kill('a.1.1', 0);
    await driver.awaitState('a.1.1', 'killed');
  });

  check('a log of many megabytes is read in part', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', 'i=0; while [ $i -lt 300 ]; do printf "%010000d\\n" $i; i=$((i+1)); done');
    await driver.awaitState('a.1.1', 'finished');
    assert.equal(await driver.log('a.1.1', { offset: 10_001 * 200 + 9_997, length: 4 }), '200\n');
    assert.equal(await driver.log('a.1.1', { offset: -4 }), '299\n');
  });
}

function remains(check: Check): void {
  check('forget removes what is over, and nothing that runs', async ({ begin }) => {
    const driver = await begin();
    await driver.launch('a.1.1', ['sleep', '60']);
    await driver.launch('b.1.1', 'echo b');
    await driver.awaitState('b.1.1', 'finished');
    await driver.awaitState('a.1.1', 'running');
    driver.perform({ type: 'forget', tasks: [driver.ref('a.1.1'), driver.ref('b.1.1'), driver.ref('c.1.1')] });
    const answers = await driver.reconcile(['a.1.1', 'b.1.1']);
    assert.deepEqual(told(answers), ['a.1.1 running', 'b.1.1 unknown']);
    assert.equal(await driver.log('b.1.1'), undefined);
    driver.kill('a.1.1', 0);
    await driver.awaitState('a.1.1', 'killed');
  });
}

function told(statuses: readonly TaskStatus[]): readonly string[] {
  return statuses.map(({ taskId, state }) => `${taskId} ${state}`).toSorted((a, b) => a.localeCompare(b));
}
