/** A Mesos offer as the executor port's: entries summed, attributes of every type, where the agent answers. */

import type { Attribute, Offer } from '../port.ts';
import type { RawAttribute, RawOffer } from './protocol.ts';
import { ResourcePool } from './resource-pool.ts';

/** `homeRegion`: the master's; `undefined`: it has none, and so no agent is remote. */
export function toOffer(raw: RawOffer, homeRegion?: string): Offer {
  const { region, zone } = raw.domain?.fault_domain ?? {};
  return {
    id: raw.id.value,
    agentId: raw.agent_id.value,
    hostname: raw.hostname,
    address: agentAddress(raw),
    pool: poolOf(raw),
    resources: new ResourcePool(raw.resources ?? []).total(),
    attributes: attributesOf(raw.attributes ?? []),
    ...(region === undefined ? {} : { region: region.name }),
    ...(zone === undefined ? {} : { zone: zone.name }),
    // An agent without a region is taken to be where the master is, as Mesos does.
    ...(region === undefined || homeRegion === undefined || region.name === homeRegion ? {} : { isRemote: true }),
  };
}

/** Offers of one agent may be spent together only when they are for the same role. */
function poolOf(raw: RawOffer): string {
  return `${raw.agent_id.value}/${raw.allocation_info?.role ?? '*'}`;
}

/** `host:port` of the agent's HTTP API. The host is the one it advertises. */
function agentAddress(raw: RawOffer): string {
  const address = raw.url?.address;
  if (address === undefined) return '';
  const host = address.hostname ?? address.ip ?? raw.hostname;
  return `${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

function attributesOf(raws: readonly RawAttribute[]): Record<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const raw of raws) {
    const attribute = attributeOf(raw);
    // Mesos allows one name twice; the first counts, as it does for Mesos' own offer constraints.
    if (attribute !== undefined && !attributes.has(raw.name)) attributes.set(raw.name, attribute);
  }
  return Object.fromEntries(attributes);
}

function attributeOf(raw: RawAttribute): Attribute | undefined {
  switch (raw.type) {
    case 'TEXT':
      return { type: 'text', value: raw.text?.value ?? '' };
    case 'SCALAR':
      return { type: 'scalar', value: raw.scalar?.value ?? 0 };
    case 'RANGES':
      return { type: 'ranges', value: (raw.ranges?.range ?? []).map(({ begin, end }) => [begin, end] as const) };
    case 'SET':
      return { type: 'set', value: raw.set?.item ?? [] };
    default:
      return undefined;
  }
}
