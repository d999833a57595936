/** Inverse offers: told on, answered once, and said in the log when the answer changes. */

import assert from 'node:assert/strict';
import { test } from 'uvu';
import { ANSWER_HOLDS_MS, InverseOffers } from '../../../../src/executor/mesos/inverse-offers.ts';
import type { CallBody, RawInverseOffer } from '../../../../src/executor/mesos/protocol.ts';
import type { InverseOffer } from '../../../../src/executor/port.ts';
import { type Logger, silentLogger } from '../../../../src/telemetry/logger.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const HOUR = 3_600_000;

interface Rig {
  readonly inverse: InverseOffers;
  readonly clock: ManualClock;
  readonly told: InverseOffer[];
  readonly calls: CallBody[];
  readonly lines: Record<string, unknown>[];
  raw(id: string, startsInMs?: number, agent?: string): RawInverseOffer;
}

function setup(): Rig {
  const clock = new ManualClock();
  const told: InverseOffer[] = [];
  const calls: CallBody[] = [];
  const lines: Record<string, unknown>[] = [];
  const note = (fields: Record<string, unknown>, message: string): void => void lines.push({ ...fields, message });
  const logger: Logger = { ...silentLogger, info: note, warn: note };
  const inverse = new InverseOffers({ clock, logger, send: (call) => calls.push(call), onInverseOffers: (all) => told.push(...all) });
  const raw = (id: string, startsInMs = HOUR, agent = 'S0'): RawInverseOffer => ({
    id: { value: id },
    agent_id: { value: agent },
    unavailability: { start: { nanoseconds: (clock.now() + startsInMs) * 1e6 }, duration: { nanoseconds: 1e12 } },
  });
  return { inverse, clock, told, calls, lines, raw };
}

test('they are told with the time that is left, none when the window has begun or is over', () => {
  const { inverse, told, raw } = setup();
  inverse.receive([raw('i1', HOUR), raw('i2', -1, 'S1'), { id: { value: 'i3' } }]);
  assert.deepEqual(told, [
    { id: 'i1', agentId: 'S0', lastsMs: HOUR },
    { id: 'i2', agentId: 'S1', lastsMs: 0 },
    { id: 'i3', lastsMs: 0 },
  ]);
});

test('one call for those agreed to, one for those that are not, both to be asked again later', () => {
  const { inverse, calls, raw } = setup();
  inverse.receive([raw('i1'), raw('i2', HOUR, 'S1'), raw('i3', HOUR, 'S2')]);
  inverse.answer([
    { id: 'i1', inTheWay: [] },
    { id: 'i2', inTheWay: ['a.1.1'] },
    { id: 'i3', inTheWay: [] },
  ]);
  const filters = { refuse_seconds: ANSWER_HOLDS_MS / 1000 };
  assert.deepEqual(calls, [
    { type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: { inverse_offer_ids: [{ value: 'i1' }, { value: 'i3' }], filters } },
    { type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: { inverse_offer_ids: [{ value: 'i2' }], filters } },
  ]);
});

test('what was answered, rescinded, or of an agent or a subscription that is gone is not answered', () => {
  const { inverse, calls, raw } = setup();
  inverse.receive([raw('i1'), raw('i2', HOUR, 'S1'), raw('i3', HOUR, 'S2')]);
  inverse.answer([{ id: 'i1', inTheWay: [] }]);
  inverse.rescind('i2');
  inverse.agentLost('S2');
  for (const id of ['i1', 'i2', 'i3', 'never']) inverse.answer([{ id, inTheWay: [] }]);
  inverse.receive([raw('i4')]);
  inverse.clear();
  inverse.answer([{ id: 'i4', inTheWay: [] }]);
  assert.equal(calls.length, 1);
});

test('the log says which tasks are in the way, once per change', () => {
  const { inverse, lines, raw, clock } = setup();
  const startsAt = new Date(clock.now() + HOUR).toISOString();
  const asked = raw('i');
  const say = (inTheWay: readonly string[]): void => {
    inverse.receive([asked]);
    inverse.answer([{ id: 'i', inTheWay }]);
  };
  const many = Array.from({ length: 30 }, (_, index) => `a.${index}.1`);
  for (let time = 0; time < 3; time++) say(many);
  for (let time = 0; time < 3; time++) say([]);
  assert.deepEqual(lines, [
    {
      agentId: 'S0',
      startsAt,
      tasks: many.slice(0, 10),
      inTheWay: 30,
      message: 'warned of the maintenance of an agent: tasks may still run there then',
    },
    { agentId: 'S0', startsAt, message: 'agreed to the maintenance of an agent: everything there is over by then' },
  ]);
});

test('a start that no date can have does no harm', () => {
  const { inverse, lines, raw } = setup();
  inverse.receive([raw('i', 1e300), { ...raw('j'), unavailability: { start: { nanoseconds: Number.NaN } } }]);
  inverse.answer([
    { id: 'i', inTheWay: [] },
    { id: 'j', inTheWay: [] },
  ]);
  assert.equal(lines.length, 2);
});

test.run();
