/** Runs tasks in real containers, as Mesos's Docker containerizer and executor do. */

import { appendFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { CancelTimer, Clock } from '../../../src/clock/clock.ts';
import { DockerEngine, EngineError } from './docker-engine.ts';
import { planContainer, type CreateBody } from './docker-options.ts';
import { fetchError, fetchUris } from './fetcher.ts';
import type { RunEnd, RunningTask, RunReport, TaskRun, TaskRunner } from './runner.ts';
import { giveSandbox } from './users.ts';

/** Status of `docker run` when the container could not be made, and when its command was not found. */
const NOT_CREATED = 125;
const NOT_FOUND = 127;
const CANNOT_INVOKE = 126;
const FRAME_HEADER_BYTES = 8;

export class DockerRunner implements TaskRunner {
  readonly needsSandbox = true;
  readonly #engine: DockerEngine;
  readonly #clock: Clock;
  readonly #tasks = new Set<DockerTask>();
  readonly #work = new Set<Promise<void>>();

  /** `socket`: the Engine's unix socket. */
  constructor(socket: string, clock: Clock) {
    this.#engine = new DockerEngine(socket);
    this.#clock = clock;
  }

  launch(run: TaskRun, report: (report: RunReport) => void): RunningTask {
    const task = new DockerTask(this.#engine, this.#clock, { run, report });
    this.#tasks.add(task);
    const work = task.run().finally(() => this.#work.delete(work));
    this.#work.add(work);
    return task;
  }

  /** Removes every container that was made here. */
  async close(): Promise<void> {
    await Promise.all([...this.#tasks].map((task) => task.remove()));
    await Promise.all(this.#work);
  }
}

class DockerTask implements RunningTask {
  readonly name: string;
  readonly #engine: DockerEngine;
  readonly #clock: Clock;
  readonly #run: TaskRun;
  readonly #report: (report: RunReport) => void;
  #silent = false;
  #startedAt = 0;
  #isUp = false;
  #killGraceMs: number | undefined;
  #stopTimer: CancelTimer = () => undefined;

  constructor(engine: DockerEngine, clock: Clock, parts: { readonly run: TaskRun; readonly report: (report: RunReport) => void }) {
    this.#engine = engine;
    this.#clock = clock;
    this.#run = parts.run;
    this.#report = parts.report;
    this.name = `mesos-${parts.run.containerId}`;
  }

  /** From pull to exit. Settles when there is nothing more to do; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#runSteps();
    } catch (error) {
      this.#tell({ type: 'ended', end: { how: 'executor-failed', message: `Failed to run docker container: ${String(error)}` } });
    }
  }

  /** A kill that comes before the container runs is kept until it does. */
  kill(graceMs: number): void {
    if (this.#isUp) this.#end(graceMs);
    else this.#killGraceMs = graceMs;
  }

  destroy(): void {
    void this.remove();
  }

  /** Takes the container away, reporting nothing any more. */
  async remove(): Promise<void> {
    this.#silent = true;
    this.#stopTimer();
    await this.#engine.remove(this.name).catch(() => undefined);
  }

  #end(graceMs: number): void {
    const force = (): void => void this.#engine.signal(this.name, 'SIGKILL').catch(() => undefined);
    if (graceMs === 0) return force();
    this.#engine.signal(this.name, 'SIGTERM').catch(() => undefined);
    this.#stopTimer = this.#clock.timer(graceMs, force);
  }

  async #runSteps(): Promise<void> {
    const failure = await this.#prepare();
    if (failure !== undefined) return this.#tell({ type: 'ended', end: failure });
    if (this.#silent) return;
    this.#startedAt = this.#clock.monotonic();
    this.#log('Version: 1.12.0');
    this.#write(
      'stderr',
      `Registered docker executor on ${this.#run.agentEndpoint.split(':')[0]}\nStarting task ${this.#run.info.task_id.value}\n`,
    );
    this.#tell({ type: 'starting' });
    const { container } = this.#run.info;
    const image = container?.mesos?.image?.docker?.name;
    const plan = planContainer(this.#run, image === undefined ? undefined : await this.#engine.imageConfig(image));
    if (plan.type === 'impossible') return this.#tell({ type: 'ended', end: { how: 'executor-failed', message: plan.message } });
    if (plan.type === 'unknown-flag') {
      this.#write('stderr', `unknown flag: --${plan.flag}\nSee 'docker run --help'.\n`);
      return this.#endUncreated(NOT_CREATED);
    }
    await this.#runContainer(plan.body);
  }

  async #runContainer(body: CreateBody): Promise<void> {
    let output: Promise<void>;
    try {
      await this.#engine.create(this.name, body);
      if (this.#silent) return await this.#engine.remove(this.name).catch(() => undefined);
      output = this.#copyOutput(await this.#engine.attach(this.name));
      await this.#engine.start(this.name);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#write('stderr', `docker: Error response from daemon: ${error.message}\n`);
      return this.#endUncreated(statusOfError(error));
    }
    this.#isUp = true;
    if (this.#killGraceMs !== undefined) this.#end(this.#killGraceMs);
    const exit = this.#engine.wait(this.name);
    await this.#tellRunning();
    const status = await exit;
    this.#stopTimer();
    await output;
    this.#write('stderr', `Container exited with status ${status}\n`);
    this.#tell({ type: 'ended', end: { how: 'exited', status } });
    await this.#engine.remove(this.name).catch(() => undefined);
  }

  async #tellRunning(): Promise<void> {
    const inspection = await this.#engine.inspect(this.name);
    const data = Buffer.from(JSON.stringify([inspection], null, 4)).toString('base64');
    this.#tell({ type: 'running', data });
  }

  /** Sandbox, URIs and image; the end of the task when one of them cannot be had. */
  async #prepare(): Promise<RunEnd | undefined> {
    const { info, sandbox, user, containerId } = this.#run;
    // Inside the container the user is not used: that is the image's affair.
    const owner = giveSandbox(sandbox, user);
    if ('error' in owner) return { how: 'dropped', message: owner.error };
    this.#write('stdout', '');
    this.#write('stderr', '');
    try {
      await fetchUris(info.command?.uris ?? [], sandbox);
    } catch (error) {
      this.#write('stderr', `Failed to fetch: ${String(error)}\n`);
      return { how: 'launch-failed', message: fetchError(containerId) };
    }
    const pullError = await this.#pull();
    return pullError === undefined ? undefined : { how: 'launch-failed', message: pullError };
  }

  /** Mesos's text when the image cannot be had; undefined when it is there. */
  async #pull(): Promise<string | undefined> {
    const { container } = this.#run.info;
    const image = container?.docker?.image ?? container?.mesos?.image?.docker?.name ?? '';
    try {
      const isForced = container?.docker?.force_pull_image ?? false;
      if (isForced || !(await this.#engine.hasImage(image))) await this.#engine.pull(image);
      return undefined;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const invalid = /invalid reference format/.test(error.message);
      const stderr = invalid ? `${invalidReference(image)}\n` : `Error response from daemon: ${error.message}\n`;
      return `Failed to run 'docker -H ${this.#engine.host} pull ${image}': exited with status 1; stderr='${stderr}'`;
    }
  }

  /** The executor looks for the container for a while before it believes that there is none. */
  #endUncreated(status: number): void {
    const left = this.#startedAt + this.#run.timing.dockerInspectMs - this.#clock.monotonic();
    this.#stopTimer = this.#clock.timer(left, () => this.#tell({ type: 'ended', end: { how: 'exited', status } }));
    this.#engine.remove(this.name).catch(() => undefined);
  }

  /** Takes the Engine's frames apart: a byte for the stream, three of nothing, four for the length, then the data. */
  async #copyOutput(stream: IncomingMessage): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of stream) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      while (rest.length >= FRAME_HEADER_BYTES) {
        const end = FRAME_HEADER_BYTES + rest.readUInt32BE(4);
        if (rest.length < end) break;
        this.#write(rest[0] === 2 ? 'stderr' : 'stdout', rest.subarray(FRAME_HEADER_BYTES, end));
        rest = rest.subarray(end);
      }
    }
  }

  /** A line of the executor's own log, which shares stderr with the task. */
  #log(text: string): void {
    const [date = '', time = ''] = new Date(this.#clock.now()).toISOString().slice(5, 23).split('T');
    this.#write('stderr', `I${date.replace('-', '')} ${time}000 31040 exec.cpp:164] ${text}\n`);
  }

  #write(file: 'stdout' | 'stderr', data: string | Buffer): void {
    const path = join(this.#run.sandbox, file);
    if (data.length === 0) writeFileSync(path, '');
    else appendFileSync(path, data);
  }

  #tell(report: RunReport): void {
    if (!this.#silent) this.#report(report);
  }
}

/** What the docker command says before it asks the Engine. */
function invalidReference(image: string): string {
  const repository = image.replace(/:[^/]*$/, '');
  return repository === repository.toLowerCase()
    ? 'invalid reference format'
    : `invalid reference format: repository name (${repository}) must be lowercase`;
}

function statusOfError(error: EngineError): number {
  if (/no such file or directory|not found in \$PATH|executable file not found/i.test(error.message)) return NOT_FOUND;
  return /permission denied/i.test(error.message) ? CANNOT_INVOKE : NOT_CREATED;
}
