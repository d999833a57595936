/** The process executor keeps the contract of all local executors. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { ProcessExecutor } from '../../../src/executor/process/process-executor.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { executorContract } from '../../contract/executor.ts';
import type { ExecutorMachine } from '../../contract/executor.ts';

async function makeMachine(): Promise<ExecutorMachine> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kairos-process-'));
  return {
    task: {},
    create: (resources) => new ProcessExecutor({ dataDir, clock: systemClock, logger: silentLogger, hostname: 'here', resources }),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}

executorContract('process', makeMachine);
