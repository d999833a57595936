/**
 * A task's command as a CommandInfo. The same fields mean different things to the two containerizers (docs/mesos.md, "Commands"):
 *
 *   command   | Docker containerizer                  | Mesos containerizer
 *   ----------|---------------------------------------|------------------------------------------------
 *   array     | shell: false, no value, arguments:    | shell: false, value: the first word, arguments:
 *             | image's entrypoint, then the words    | all words, the first again as argv[0]
 *   string    | shell: true, value                    | shell: true, value
 *   absent    | shell: false: what the image runs     | shell: false: what the image runs
 *
 * With the Docker containerizer `value` would be argv[0] and the words would follow it: given both, words would double.
 */

import type { Artifact, TaskLaunch } from '../port.ts';
import type { RawCommand, RawUri } from './protocol.ts';

export type Containerizer = 'docker' | 'mesos';

export function commandInfo(launch: TaskLaunch, containerizer: Containerizer): RawCommand {
  const { task } = launch;
  const variables = Object.entries(launch.env).map(([name, value]) => ({ name, value }));
  // Docker ignores command.user inside the container; it would only have to exist on the agent. See docker-info.ts.
  const isUserHere = containerizer === 'mesos' && task.user !== undefined;
  return {
    ...whatRuns(task.command, containerizer),
    ...(isUserHere && task.user !== undefined ? { user: task.user } : {}),
    ...(variables.length === 0 ? {} : { environment: { variables } }),
    ...(task.artifacts.length === 0 ? {} : { uris: task.artifacts.map(toUri) }),
  };
}

function whatRuns(command: string | readonly string[] | undefined, containerizer: Containerizer): RawCommand {
  if (command === undefined) return { shell: false };
  if (typeof command === 'string') return { shell: true, value: command };
  const [first] = command;
  if (first === undefined) return { shell: false };
  return containerizer === 'docker' ? { shell: false, arguments: command } : { shell: false, value: first, arguments: command };
}

function toUri(artifact: Artifact): RawUri {
  return {
    value: artifact.uri,
    extract: artifact.extract,
    executable: artifact.executable,
    cache: artifact.cache,
    ...(artifact.destination === undefined ? {} : { output_file: artifact.destination }),
  };
}
