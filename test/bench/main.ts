/**
 * `npm run bench`: every figure, one after the other. Names as arguments choose some: schedule, engine, offers, idle,
 * store, process, lateness, mesos.
 */

import { benchEngine } from './engine.ts';
import { benchFailover } from './failover.ts';
import { benchIdle } from './idle.ts';
import { benchLateness } from './lateness.ts';
import { benchMesos } from './mesos.ts';
import { benchOffers } from './offers.ts';
import { benchProcessExecutor } from './process-executor.ts';
import { benchSchedule } from './schedule.ts';
import { benchStore } from './store.ts';

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  schedule: benchSchedule,
  engine: benchEngine,
  offers: benchOffers,
  idle: benchIdle,
  store: benchStore,
  process: () => benchProcessExecutor(),
  lateness: benchLateness,
  failover: benchFailover,
  mesos: benchMesos,
};

const wanted = process.argv.slice(2).filter((name) => !name.startsWith('--'));
for (const name of wanted) {
  if (!benches[name]) {
    process.stderr.write(`there is no bench called ${name}; there are ${Object.keys(benches).join(', ')}\n`);
    process.exit(2);
  }
}
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`\n== ${name}\n`);
  await bench();
}
