/** What a container tells of its task. Pure: the same container gives the same report, before and after any crash. */

import { exitStatus } from '../local/exit-status.ts';
import type { TaskReport } from '../local/task-host.ts';
import type { TaskStatus } from '../port.ts';
import { labelledResources } from './container-config.ts';
import { parseContainerName } from './container-name.ts';
import type { ContainerDetails } from './engine-api.ts';

type Verdict = Omit<TaskStatus, 'taskId'>;

/** `bootedAt`: when this machine was started, milliseconds since the epoch. `undefined` for a container that is not ours. */
export function containerReport(container: ContainerDetails, bootedAt: number): TaskReport | undefined {
  const name = parseContainerName(container.Name);
  if (name === undefined) return undefined;
  const { taskId, killBy, isAcknowledged } = name;
  const status: TaskStatus = { taskId, ...verdict(container.State, killBy !== undefined, bootedAt) };
  const report = { status, resources: labelledResources(container.Config.Labels ?? {}), isKept: true, isAcknowledged };
  if (status.state === 'staging') return { ...report, isInterrupted: true };
  return status.state === 'killing' && killBy !== undefined ? { ...report, killBy } : report;
}

function verdict(state: ContainerDetails['State'], wasKilled: boolean, bootedAt: number): Verdict {
  switch (state.Status) {
    case 'created':
      return notStarted(state, wasKilled);
    case 'exited':
    case 'dead':
    case 'removing':
      return ended(state, wasKilled, bootedAt);
    default:
      return { state: wasKilled ? 'killing' : 'running', ...timed(state.StartedAt) };
  }
}

function ended(state: ContainerDetails['State'], wasKilled: boolean, bootedAt: number): Verdict {
  const startedAt = Date.parse(state.StartedAt);
  const finishedAt = Date.parse(state.FinishedAt);
  // No container runs across a boot; the daemon gives such a one an exit code of its own making when it finds it.
  if (startedAt < bootedAt - BOOT_TIME_SLACK_MS && finishedAt > bootedAt) {
    return { state: 'lost', reason: 'machine-restarted', message: 'the machine went down while the task ran' };
  }
  return { ...exitStatus({ code: state.ExitCode, wasKilled, outOfMemory: state.OOMKilled }), ...timed(state.FinishedAt) };
}

const BOOT_TIME_SLACK_MS = 2_000;

/** A start that failed leaves its error and an exit code in place; one that was never tried leaves neither. */
function notStarted({ ExitCode, Error: message }: ContainerDetails['State'], wasKilled: boolean): Verdict {
  if (message === '' && ExitCode === 0) {
    return wasKilled ? { state: 'killed', message: 'killed before it began' } : { state: 'staging', message: 'its launch was cut short' };
  }
  if (ExitCode === 127) return { state: 'failed', exitCode: 127, reason: 'command-not-found', message };
  if (ExitCode === 126) return { state: 'failed', exitCode: 126, reason: 'command-not-executable', message };
  const reason = DEFINITION_FAULTS.find(([pattern]) => pattern.test(message))?.[1];
  if (reason !== undefined) return { state: 'rejected', reason, message };
  return { state: 'not-launched', reason: 'start-failed', message };
}

/** The daemon keeps only the sentence, so it has to be told by that which faults are the definition's and come again. */
const DEFINITION_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/unable to find user|unable to find group/, 'user-unknown'],
  [/network .* not found/, 'network-missing'],
  [/could not select device driver/, 'gpus-unsupported'],
  [/invalid mount|error mounting|not a directory/, 'volume-invalid'],
];

/** Docker writes the year 1 for what has not happened. */
function timed(time: string): Pick<TaskStatus, 'at'> {
  const at = Date.parse(time);
  return at > 0 ? { at } : {};
}
