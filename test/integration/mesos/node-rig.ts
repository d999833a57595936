/** A node as its users start it, on the stand-in master: a process of its own, spoken to over HTTP, ended with the test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StandInMaster, type StandInOptions } from '../../mesos-master/master.ts';
import { type KairosNode, startKairos } from '../../support/kairos-node.ts';
import { until } from '../../support/until.ts';
import { QUICK } from './mesos-rig.ts';

export interface NodeRig {
  readonly master: StandInMaster;
  /** The latest one. */
  readonly node: KairosNode;
  /** Starts another one on the same store, after node.kill(). */
  start(): Promise<void>;
  /** An empty directory, removed at the end. */
  readonly directory: string;
  /** Defines the job and runs it once. */
  run(spec: { readonly name: string } & Record<string, unknown>): Promise<void>;
  state(job: string, run?: number): Promise<string>;
  awaitState(job: string, wanted: string, limitMs?: number): Promise<void>;
}

export interface NodeRigOptions {
  readonly master?: StandInOptions;
  readonly settings?: (directory: string) => readonly string[];
}

export async function withNode(options: NodeRigOptions, body: (rig: NodeRig) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kairos-node-'));
  const master = await StandInMaster.start({ seed: 1, ...options.master, timing: { ...QUICK, ...options.master?.timing } });
  const settings = [
    'store.kind=embedded',
    `store.embedded.directory=${join(directory, 'store')}`,
    'executor.kind=mesos',
    `executor.mesos.masters=["${master.url}"]`,
    ...(options.settings?.(directory) ?? []),
  ];
  const running: { node?: KairosNode } = {};
  const start = async (): Promise<void> => {
    running.node = await startKairos(settings);
  };
  try {
    await start();
    await body(rigOf(master, running as { node: KairosNode }, { directory, start }));
  } finally {
    await running.node?.stop();
    await master.stop();
    rmSync(directory, { recursive: true });
  }
}

function rigOf(
  master: StandInMaster,
  running: { readonly node: KairosNode },
  { directory, start }: { readonly directory: string; readonly start: () => Promise<void> },
): NodeRig {
  const state: NodeRig['state'] = async (job, run = 1) =>
    (await running.node.get<{ state?: string }>(`/v1/runs/${job}/${run}`)).body.state ?? '';
  return {
    master,
    directory,
    state,
    start,
    get node() {
      return running.node;
    },
    async run(spec) {
      const put = await running.node.call('PUT', `/v1/jobs/${spec.name}`, spec);
      if (put.status >= 300) throw new Error(`the job was refused: ${JSON.stringify(put.body)}`);
      await running.node.post(`/v1/jobs/${spec.name}/runs`, {});
    },
    async awaitState(job, wanted, limitMs = 20_000) {
      let seen = '';
      const isSo = async (): Promise<boolean> => (seen = await state(job)) === wanted;
      await until(isSo, { limitMs, what: () => `${job} to be ${wanted}; it is ${seen}` });
    },
  };
}
