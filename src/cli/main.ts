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

program
  .command('framework')
  .description('what this cluster is to Mesos')
  .command('forget')
  .description('begin as a new Mesos framework, once Mesos has removed the old one; all nodes must be stopped')
  .option('-c, --config <file>', 'YAML file with the configuration')
  .option('-s, --set <path=value...>', 'set one key of the configuration')
  .option('-y, --yes', 'do it; without it only says what would be done')
  .option('--force', 'also when runs are believed alive')
  .action(async (flags: { config?: string; set?: string[]; yes?: boolean; force?: boolean }) => {
    const { forgetFrameworkCommand } = await import('./framework-command.ts');
    process.exitCode = await forgetFrameworkCommand(flags);
  });

await program.parseAsync();
