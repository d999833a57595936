/** What a recording file holds (recordings/*.json), and how it is read. */

import { readFileSync } from 'node:fs';
import type { Timing } from '../../mesos-master/timing.ts';

export interface Recording {
  readonly shows: string;
  /** Times and `sleep`s of the recording are multiplied by this. */
  readonly speed: number;
  readonly agents: readonly { readonly cpus: number; readonly mem: number; readonly disk: number }[];
  readonly masters?: number;
  readonly timing?: Partial<Timing>;
  /** Tasks end when the recording comes to their end, and not after a time: for what must not be overtaken. */
  readonly ends?: 'when expected';
  /** Each: events in the order in which they must have come. */
  readonly order?: readonly (readonly string[])[];
  /** Tasks of which more came after the recording was stopped. */
  readonly goesOn?: readonly string[];
  readonly steps: readonly Step[];
}

export interface RecordedTask {
  readonly id: string;
  readonly agent: string;
  readonly resources: unknown;
  readonly command?: string;
  readonly exec?: readonly string[];
  readonly docker?: object;
  readonly kill_policy?: { readonly grace_period: { readonly nanoseconds: number } };
}

/** One line of a recording: a call with its answer, an event to be seen, or something to do. */
export interface Step {
  readonly who?: string;
  readonly call?: string;
  readonly status?: number;
  readonly answer?: string;
  readonly location?: string;
  readonly framework?: string | null;
  readonly as?: string;
  readonly at?: number;
  readonly stream?: string;
  readonly checkpoint?: boolean;
  readonly partitionAware?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly offers?: readonly string[];
  readonly refuse?: number;
  readonly tasks?: readonly unknown[];
  readonly task?: string;
  readonly agent?: string;
  readonly uuid?: string;
  readonly update?: string;
  readonly state?: string;
  readonly source?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly container?: string;
  readonly has?: readonly string[];
  readonly offer?: string;
  readonly resources?: Readonly<Record<string, number | true>>;
  readonly rescind?: string;
  readonly failure?: string;
  readonly error?: string;
  readonly closed?: string;
  readonly subscribed?: string;
  readonly do?: string;
  readonly acks?: true | 'not the last';
  readonly becomes?: string;
  readonly maxGraceMs?: number;
  readonly markGone?: boolean;
  readonly stage?: 'no-routes' | 'up';
  readonly master?: number;
}

export function readRecording(name: string): Recording {
  return JSON.parse(readFileSync(new URL(`./recordings/${name}.json`, import.meta.url), 'utf8')) as Recording;
}
