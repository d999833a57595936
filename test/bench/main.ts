/**
 * `npm run bench`: every figure, one after the other. Names as arguments choose some: schedule, engine, offers,
 * store, process, lateness.
 */

import { benchEngine } from './engine.ts';
import { benchLateness } from './lateness.ts';
import { benchOffers } from './offers.ts';
import { benchProcessExecutor } from './process-executor.ts';
import { benchSchedule } from './schedule.ts';
import { benchStore } from './store.ts';

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  schedule: benchSchedule,
  engine: benchEngine,
  offers: benchOffers,
  store: benchStore,
  process: () => benchProcessExecutor(),
  lateness: benchLateness,
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
