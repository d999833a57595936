import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'uvu';
import { OfferLedger } from '../../../../src/executor/local/ledger.ts';
import { addResources, fitsResources, NO_RESOURCES, portRanges } from '../../../../src/executor/local/resources.ts';
import type { Offer, Resources } from '../../../../src/executor/port.ts';

const TOTAL: Resources = { cpus: 4, mem: 1000, disk: 100, gpus: 1, ports: [[1, 10]] };
const some = (part: Partial<Resources>): Resources => ({ ...NO_RESOURCES, ...part });

function setup(): OfferLedger {
  return new OfferLedger({ agentId: 'a', hostname: 'h', attributes: {}, offerPrefix: 'o-', total: TOTAL });
}

test('all there is comes in one offer, once', () => {
  const ledger = setup();
  const offer = ledger.nextOffer(0);
  assert.deepEqual(offer?.resources, TOTAL);
  assert.equal(offer?.pool, 'a');
  assert.equal(ledger.nextOffer(0), undefined);
});

test('what a launch does not claim comes back as a new offer', () => {
  const ledger = setup();
  const offer = ledger.nextOffer(0);
  const budget = ledger.spend([offer?.id ?? '']);
  assert.ok(budget);
  const left = ledger.claim('t', some({ cpus: 1, ports: [[3, 3]] }), budget);
  assert.equal(left?.cpus, 3);
  const rest = ledger.nextOffer(0);
  assert.equal(rest?.resources.cpus, 3);
  assert.deepEqual(rest?.resources.ports, [
    [1, 2],
    [4, 10],
  ]);
  ledger.release('t');
  assert.deepEqual(ledger.nextOffer(0)?.resources, some({ cpus: 1, ports: [[3, 3]] }));
});

test('an offer can be spent once; one bad offer spoils the launch and loses nothing', () => {
  const ledger = setup();
  const offer = ledger.nextOffer(0);
  assert.equal(ledger.spend([offer?.id ?? '', 'other']), undefined);
  assert.equal(ledger.spend([offer?.id ?? '']), undefined);
  assert.deepEqual(ledger.nextOffer(0)?.resources, TOTAL);
});

test('refused resources are offered again when the time is over, sooner when there is more, or when revived', () => {
  const ledger = setup();
  ledger.adopt('t', some({ cpus: 1 }));
  ledger.decline([ledger.nextOffer(0)?.id ?? ''], 100);
  assert.equal(ledger.nextExpiry(), 100);
  assert.equal(ledger.nextOffer(99), undefined);
  ledger.release('t');
  const more = ledger.nextOffer(99);
  assert.equal(more?.resources.cpus, 4);
  ledger.decline([more?.id ?? ''], 500);
  assert.equal(ledger.nextOffer(499), undefined);
  assert.equal(ledger.nextExpiry(), 500);
  ledger.revive();
  assert.equal(ledger.nextOffer(499)?.resources.cpus, 4);
});

test('nothing is offered while suppressed', () => {
  const ledger = setup();
  ledger.suppress();
  assert.equal(ledger.nextOffer(0), undefined);
  ledger.revive();
  assert.ok(ledger.nextOffer(0));
});

test('more tasks found than there is room for: nothing is offered until there is', () => {
  const ledger = setup();
  ledger.adopt('a', some({ cpus: 3, mem: 1000, disk: 100, gpus: 1, ports: [[1, 10]] }));
  ledger.adopt('b', some({ cpus: 3 }));
  assert.equal(ledger.nextOffer(0), undefined);
  ledger.release('a');
  assert.equal(ledger.nextOffer(0)?.resources.cpus, 1);
});

test('whatever is done, claims and offers together never exceed the total', () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('launch' as const), cpus: fc.integer({ min: 0, max: 30 }), port: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ do: fc.constant('end' as const), which: fc.nat(9) }),
    fc.record({ do: fc.constant('decline' as const), forMs: fc.nat(50) }),
    fc.record({ do: fc.constant('revive' as const) }),
    fc.record({ do: fc.constant('suppress' as const) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const ledger = setup();
      const offers = new Map<string, Offer>();
      const claims = new Map<string, Resources>();
      actions.forEach((step, now) => {
        const offerIds = [...offers.keys()];
        if (step.do === 'launch') {
          const wanted = some({ cpus: step.cpus / 10, mem: step.cpus, ports: portRanges([step.port]) });
          const budget = ledger.spend(offerIds);
          offers.clear();
          if (budget !== undefined && ledger.claim(`t${now}`, wanted, budget) !== undefined) claims.set(`t${now}`, wanted);
        } else if (step.do === 'end') {
          const taskId = [...claims.keys()][step.which];
          if (taskId !== undefined) {
            ledger.release(taskId);
            claims.delete(taskId);
          }
        } else if (step.do === 'decline') {
          ledger.decline(offerIds, now + step.forMs);
          offers.clear();
        } else ledger[step.do]();
        const offer = ledger.nextOffer(now);
        if (offer !== undefined) offers.set(offer.id, offer);
        const taken = [...claims.values(), ...[...offers.values()].map(({ resources }) => resources)];
        assert.ok(fitsResources(taken.reduce(addResources, NO_RESOURCES), TOTAL));
        const ports = taken.flatMap((resources) => resources.ports).reduce((sum, [begin, end]) => sum + end - begin + 1, 0);
        assert.ok(ports <= 10, 'a port is sold twice');
      });
      for (const taskId of claims.keys()) ledger.release(taskId);
      ledger.revive();
      const last = ledger.nextOffer(1000);
      const all = [...offers.values(), ...(last === undefined ? [] : [last])].map(({ resources }) => resources);
      assert.deepEqual(all.reduce(addResources, NO_RESOURCES), TOTAL);
    }),
  );
});

test.run();
