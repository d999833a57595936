/** `/v1/graph`, `/v1/leader`, `/v1/nodes`: the whole of it, as this node's copy has it. */

import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { JOBS, NODES } from '../../engine/keys.ts';
import type { EdgeCondition } from '../../job/job.ts';
import { decodeLeader, LEADER_KEY } from '../../store/reserved-keys.ts';
import type { ApiParts } from '../parts.ts';
import { readRecord } from '../records.ts';
import { noParameters, readQuery, wholeNumber } from '../request-query.ts';
import { withIsoTimes } from '../times.ts';

const LARGEST_GRAPH = 100_000;
const DEFAULT_GRAPH = 10_000;

const graphParameters = z.strictObject({
  prefix: z.string().max(128).default('').describe('Jobs whose names begin with this.'),
  limit: wholeNumber(1, LARGEST_GRAPH).default(DEFAULT_GRAPH),
});

export function clusterRoutes(router: Router, api: ApiParts): void {
  router.get('/v1/graph', (ctx) => readGraph(ctx, api));
  router.get('/v1/leader', (ctx) => readLeader(ctx, api));
  router.get('/v1/nodes', (ctx) => listNodes(ctx, api));
}

interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly on: EdgeCondition;
}

/** An edge is with its child: its parent may be outside of what the prefix or the limit shows. */
async function readGraph(ctx: Context, { replica, definitions, clock }: ApiParts): Promise<void> {
  const { prefix, limit } = readQuery(ctx, graphParameters);
  await definitions.prepare(clock);
  const { graph } = definitions;
  const names = replica.list(`${JOBS}${prefix}`).map(({ key }) => key.slice(JOBS.length));
  const edges: GraphEdge[] = [];
  const nodes = names.slice(0, limit).map((name) => {
    for (const { job, on } of graph.parents(name)) edges.push({ from: job, to: name, on });
    const node = graph.node(name);
    return {
      name,
      scheduled: node?.scheduled ?? false,
      join: node?.join ?? 'flow',
      suspended: definitions.traits(name)?.suspended ?? false,
    };
  });
  ctx.body = { nodes, edges, total: names.length };
}

function readLeader(ctx: Context, { replica }: ApiParts): void {
  readQuery(ctx, noParameters);
  ctx.body = { leader: leaderView(replica) };
}

function leaderView(replica: ApiParts['replica']): { node: string; address: string; term: number } | null {
  const entry = replica.get(LEADER_KEY);
  if (entry === undefined) return null;
  const { node, address, term } = decodeLeader(entry);
  return { node, address, term: Number(term) };
}

function listNodes(ctx: Context, { replica, nodeId }: ApiParts): void {
  readQuery(ctx, noParameters);
  const leader = leaderView(replica)?.node;
  const nodes = replica.list(NODES).map((entry) => {
    const id = entry.key.slice(NODES.length);
    return { id, ...withIsoTimes(readRecord<Record<string, unknown>>(entry), ['startedAt']), isLeader: id === leader };
  });
  ctx.body = { nodes, answeredBy: nodeId };
}
