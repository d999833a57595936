/** `npm run simulate -- --seeds 1000 --hours 168 [--from 1] [--seed N] [--off FAULT,…] [--jobs N] [--nodes N] [--trace]` */

import { parseArgs } from 'node:util';
import { Simulation } from './simulation.ts';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ...{ seeds: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' }, hours: { type: 'string' } },
      ...{ off: { type: 'string' }, jobs: { type: 'string' }, nodes: { type: 'string' }, trace: { type: 'boolean' } },
    },
  });
  const hours = Number(values.hours ?? 24);
  const first = Number(values.seed ?? values.from ?? 1);
  const last = values.seed === undefined ? first + Number(values.seeds ?? 100) - 1 : first;
  const off = new Set((values.off ?? '').split(',').filter((name) => name !== ''));
  const began = performance.now();
  let lived = 0;
  for (let seed = first; seed <= last; seed++) {
    const simulation = new Simulation({
      ...{ seed: String(seed), hours, off },
      ...(values.jobs === undefined ? {} : { jobs: Number(values.jobs) }),
      ...(values.nodes === undefined ? {} : { nodes: Number(values.nodes) }),
      ...(values.trace ? { echo: (line: string) => process.stdout.write(`${line}\n`) } : {}),
    });
    try {
      const result = await simulation.run();
      lived += result.hours;
      const rate = lived / ((performance.now() - began) / 1000);
      if (process.stdout.isTTY || seed % 10 === 0 || first === last)
        console.log(`seed ${seed}: ${JSON.stringify(result)} ${rate.toFixed(1)} h/s`);
    } catch (error) {
      console.log(
        simulation.trace.lines
          .slice(-60)
          .map((line) => line.slice(0, 300))
          .join('\n'),
      );
      console.log(`seed ${seed} fails after ${simulation.trace.count} lines`, error);
      console.log([...simulation.swarm.faults]);
      return 1;
    }
  }
  return 0;
}

process.exitCode = await main();
