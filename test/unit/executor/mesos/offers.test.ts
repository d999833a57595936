import assert from 'node:assert/strict';
import { test } from 'uvu';
import { isUnderMaintenance, MAINTENANCE_MARGIN_MS } from '../../../../src/executor/mesos/maintenance.ts';
import { toOffer } from '../../../../src/executor/mesos/offers.ts';
import { AGENT, offer } from './fixtures.ts';

test('an offer tells its agent, where it answers, and the pool of offers it may be spent with', () => {
  const { id, agentId, hostname, address, pool } = toOffer(offer('o1', { allocation_info: { role: 'etl' } }));
  assert.deepEqual(
    { id, agentId, hostname, address, pool },
    {
      id: 'o1',
      agentId: AGENT,
      hostname: 'agent.example',
      address: 'agent.example:5051',
      pool: `${AGENT}/etl`,
    },
  );
});

test('attributes of every type are read', () => {
  const { attributes } = toOffer(
    offer('o1', {
      attributes: [
        { name: 'rack', type: 'TEXT', text: { value: 'a' } },
        { name: 'ghz', type: 'SCALAR', scalar: { value: 2.5 } },
        { name: 'slots', type: 'RANGES', ranges: { range: [{ begin: 1, end: 10 }] } },
        { name: 'tags', type: 'SET', set: { item: ['x', 'y'] } },
        { name: 'rack', type: 'TEXT', text: { value: 'b' } },
      ],
    }),
  );
  assert.deepEqual(attributes, {
    rack: { type: 'text', value: 'a' },
    ghz: { type: 'scalar', value: 2.5 },
    slots: { type: 'ranges', value: [[1, 10]] },
    tags: { type: 'set', value: ['x', 'y'] },
  });
});

test('region and zone come from the fault domain', () => {
  const { region, zone } = toOffer(offer('o1', { domain: { fault_domain: { region: { name: 'r1' }, zone: { name: 'z2' } } } }));
  assert.deepEqual([region, zone], ['r1', 'z2']);
  assert.equal('region' in toOffer(offer('o2')), false);
});

test('an agent is remote when it says that it is in another region than the master', () => {
  const inRegion = (name: string): ReturnType<typeof offer> => offer('o', { domain: { fault_domain: { region: { name } } } });
  assert.equal(toOffer(inRegion('us'), 'eu').isRemote, true);
  assert.equal('isRemote' in toOffer(inRegion('eu'), 'eu'), false);
  assert.equal('isRemote' in toOffer(offer('o'), 'eu'), false);
  assert.equal('isRemote' in toOffer(inRegion('us'), undefined), false);
});

test('an IPv6 agent is told with brackets', () => {
  const url = { scheme: 'http', address: { hostname: '::1', port: 5051 } };
  assert.equal(toOffer(offer('o1', { url })).address, '[::1]:5051');
});

test('an agent that is soon to be taken down gets no tasks; one that is later does', () => {
  const start = { nanoseconds: 10_000_000 * 1_000_000 };
  const planned = offer('o1', { unavailability: { start, duration: { nanoseconds: 1_000_000_000 } } });
  assert.equal(isUnderMaintenance(planned, 10_000_000 - MAINTENANCE_MARGIN_MS - 1), false);
  assert.equal(isUnderMaintenance(planned, 10_000_000 - MAINTENANCE_MARGIN_MS), true);
  assert.equal(isUnderMaintenance(planned, 10_000_999), true);
  assert.equal(isUnderMaintenance(planned, 10_001_000), false);
  assert.equal(isUnderMaintenance(offer('o2'), 0), false);
});

test.run();
