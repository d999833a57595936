/** POST /api/v1 on a leading master: the operator calls that the stand-in has. */

import { markAgentGone } from '../core/agents.ts';
import { deactivateAgent, drainAgent, reactivateAgent } from '../core/operator.ts';
import type { MasterState } from '../core/model.ts';
import { resourcesToJson } from '../resource-json.ts';
import { answer, answerJson, answerText, type Exchange } from './exchange.ts';
import { parseJson } from './json-body.ts';
import { drainInfo, isActive } from './views.ts';

interface OperatorCall {
  readonly type?: string;
  readonly mark_agent_gone?: AgentBody;
  readonly drain_agent?: AgentBody & { readonly max_grace_period?: { readonly seconds?: number } | string; readonly mark_gone?: boolean };
  readonly deactivate_agent?: AgentBody;
  readonly reactivate_agent?: AgentBody;
}

interface AgentBody {
  readonly agent_id?: { readonly value?: string };
}

export function operatorCall(master: MasterState, exchange: Exchange): void {
  const json = parseJson(exchange.body.toString('utf8'));
  if ('error' in json) return answerText(exchange, 400, `Failed to parse body into JSON: ${json.error}`);
  const call = json.value as OperatorCall;
  switch (call.type) {
    case 'GET_HEALTH':
      return answerJson(exchange, { type: 'GET_HEALTH', get_health: { healthy: true } });
    case 'GET_AGENTS':
      return answerJson(exchange, { type: 'GET_AGENTS', get_agents: getAgents(master) });
    case 'GET_FRAMEWORKS':
      return answerJson(exchange, { type: 'GET_FRAMEWORKS', get_frameworks: getFrameworks(master) });
    case 'MARK_AGENT_GONE':
      return answerDone(exchange, markAgentGone(master, idOf(call.mark_agent_gone)));
    case 'DEACTIVATE_AGENT':
      return answerDone(exchange, deactivateAgent(master, idOf(call.deactivate_agent)));
    case 'REACTIVATE_AGENT':
      return answerDone(exchange, reactivateAgent(master, idOf(call.reactivate_agent)));
    case 'DRAIN_AGENT':
      return drain(master, exchange, call);
    default:
      return answerText(exchange, 400, "Failed to validate master::Call: Expecting 'type' to be present");
  }
}

function drain(master: MasterState, exchange: Exchange, { drain_agent: body = {} }: OperatorCall): void {
  const period = body.max_grace_period;
  if (typeof period === 'string') {
    return answerText(exchange, 400, "Failed to convert JSON into Call protobuf: Not expecting a JSON string for field 'max_grace_period'");
  }
  // Given in another form than `seconds`, the period is taken as 0 without a word.
  const maxGraceMs = period === undefined ? undefined : (period.seconds ?? 0) * 1000;
  answerDone(exchange, drainAgent(master, idOf(body), { maxGraceMs, markGone: body.mark_gone ?? false }));
}

function answerDone(exchange: Exchange, found: boolean): void {
  if (found) answer(exchange, { status: 200 });
  else answerText(exchange, 404, 'Agent not found');
}

function idOf(body: AgentBody | undefined): string {
  return body?.agent_id?.value ?? '';
}

function getAgents(master: MasterState): object {
  const format = { multiRole: false, refinement: false };
  const agents = [...master.agents.values()].map((agent) => {
    const drained = drainInfo(agent);
    return {
      agent_info: {
        hostname: agent.info.hostname,
        port: agent.info.port,
        resources: resourcesToJson(agent.info.resources, format),
        attributes: agent.info.attributes,
        id: { value: agent.id },
        checkpoint: true,
      },
      active: isActive(agent),
      deactivated: agent.deactivated,
      version: '1.12.0',
      pid: `slave(1)@127.0.0.1:${agent.info.port}`,
      registered_time: { nanoseconds: agent.registeredAt * 1e6 },
      total_resources: resourcesToJson(agent.info.resources, format),
      ...(drained === undefined ? {} : { drain_info: drained }),
    };
  });
  return { agents, recovered_agents: [...master.recovered].map((id) => ({ id: { value: id } })) };
}

function getFrameworks(master: MasterState): object {
  const frameworks = [...master.frameworks.values()].map((framework) => ({
    framework_info: framework.info,
    active: framework.stream !== undefined,
    connected: framework.stream !== undefined,
    recovered: framework.recovered,
    registered_time: { nanoseconds: framework.registeredAt * 1e6 },
  }));
  return { frameworks, completed_frameworks: [...master.completed.values()].map((framework) => ({ framework_info: framework.info })) };
}
