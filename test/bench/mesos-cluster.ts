/**
 * The stand-in Mesos of the Mesos bench, in a process of its own: what it costs is not counted as the scheduler's.
 * `AGENTS` agents without HTTP run tasks with scripted outcomes, at the pace of a real master. Prints its address; ends with stdin.
 */

import { systemClock } from '../../src/clock/system-clock.ts';
import { StandInMaster } from '../mesos-master/master.ts';
import { ScriptedRunner } from '../mesos-master/runner/scripted.ts';

const agents = Number(process.argv[2]);
const resources = { cpus: 16, mem: 32_768, disk: 10_000, ports: [[31_000, 32_000]] as const };

const master = await StandInMaster.start({
  runner: new ScriptedRunner(systemClock, () => ({ durationMs: 200 })),
  agents: Array.from({ length: agents }, (_, index) => ({
    name: `a${index}`,
    http: false,
    resources,
    attributes: { rack: `r${index % 20}` },
  })),
});
process.stdout.write(`${JSON.stringify({ address: master.address })}\n`);

process.stdin.resume();
process.stdin.on('end', () => {
  void master.stop().then(() => process.exit(0));
});
