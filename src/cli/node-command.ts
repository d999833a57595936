/** `kairos node`: one scheduler node, as it is run in production. Logs JSON lines to standard output. */

import { ConfigError, loadConfig } from '../node/config/load-config.ts';
import { startNode } from '../node/node.ts';
import { createLogger } from '../telemetry/logger.ts';
import { startedUnless, stopSignal } from './stop-signal.ts';

/** Resolves with the exit code: 0 after a clean stop, 1 when it could not start, 2 when the configuration can't be used. */
export async function runNode(options: { config?: string; set?: string[] }): Promise<number> {
  const config = readConfig(options);
  if (config === undefined) return 2;
  const logger = createLogger({ level: config.log.level });
  process.on('uncaughtException', (error) => {
    // The state in memory can't be trusted any more; what is stored can. A supervisor starts the node again.
    logger.error({ error }, 'an error nobody expected; the node ends at once');
    process.exit(70);
  });
  const stopped = stopSignal();
  try {
    const node = await startedUnless(stopped, startNode({ config, logger }));
    await stopped;
    await node.stop();
    return 0;
  } catch (error) {
    logger.error({ error }, 'the node could not start');
    process.stderr.write(`kairos: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

function readConfig(options: { config?: string; set?: string[] }): ReturnType<typeof loadConfig> | undefined {
  try {
    return loadConfig({ file: options.config, env: process.env, flags: options.set ?? [] });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`kairos: ${error.message}\n`);
    return undefined;
  }
}
