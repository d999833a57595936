#!/usr/bin/env node
/** The `kairos` command. A file per subcommand; each is loaded only when it is called, so that the command starts quickly. */

import { Command } from 'commander';
import { version } from '../node/version.ts';

const program = new Command('kairos').description('A distributed, fault-tolerant job scheduler.').version(version);

program
  .command('node')
  .description('run one scheduler node until it is told to stop (SIGINT, SIGTERM)')
  .option('-c, --config <file>', 'YAML file with the configuration')
  .option('-s, --set <path=value...>', 'set one key, for example --set api.port=4401')
  .action(async (options: { config?: string; set?: string[] }) => {
    const { runNode } = await import('./node-command.ts');
    process.exitCode = await runNode(options);
  });

program
  .command('quickstart')
  .description('run one node on this machine with the example jobs, and show what happens')
  .option('-d, --directory <path>', 'where its data is kept', '.kairos')
  .option('-p, --port <number>', 'port of the API', '4400')
  .option('-e, --executor <kind>', 'auto, docker or process', 'auto')
  .option('-s, --set <path=value...>', 'set one key of the configuration')
  .action(async (options: { directory: string; port: string; executor: string; set?: string[] }) => {
    const { quickstart } = await import('./quickstart.ts');
    process.exitCode = await quickstart(options);
  });

await program.parseAsync();
