/** From an accepted call to what it does. The HTTP answer does not depend on it (except UPDATE_FRAMEWORK's). */

import { accept, decline } from './accept.ts';
import { revive, suppress, takeInfo, teardown } from './frameworks.ts';
import { checkFrameworkInfo } from './framework-rules.ts';
import type { Framework, MasterState } from './model.ts';
import { watchDrain } from './operator.ts';
import { answerInverse } from './inverse-offers.ts';
import { kill, reconcile } from './reconcile.ts';
import { acknowledge } from './updates.ts';
import type { Call, InverseAnswerBody, RolesBody, SubscribeBody } from '../wire/call.ts';

/** Returns the text of a 400 when the call is refused after all. */
export function perform(master: MasterState, framework: Framework, call: Call): string | undefined {
  switch (call.type) {
    case 'ACCEPT':
      accept(master, framework, call.accept ?? {})();
      return undefined;
    case 'DECLINE':
      decline(master, framework, call.decline ?? {});
      return undefined;
    case 'ACCEPT_INVERSE_OFFERS':
      performInverse(master, 'ACCEPT', call.accept_inverse_offers);
      return undefined;
    case 'DECLINE_INVERSE_OFFERS':
      performInverse(master, 'DECLINE', call.decline_inverse_offers);
      return undefined;
    case 'ACKNOWLEDGE':
      performAcknowledge(master, framework, call);
      return undefined;
    case 'RECONCILE':
      reconcile(
        master,
        framework,
        (call.reconcile?.tasks ?? []).map((one) => ({ taskId: one.task_id.value, agentId: one.agent_id?.value })),
      );
      return undefined;
    case 'KILL':
      if (call.kill !== undefined) kill(master, framework, call.kill);
      return undefined;
    case 'REVIVE':
      revive(master, framework, rolesOf(call.revive));
      return undefined;
    case 'SUPPRESS':
      suppress(framework, rolesOf(call.suppress));
      return undefined;
    case 'TEARDOWN':
      teardown(master, framework);
      return undefined;
    case 'UPDATE_FRAMEWORK':
      return call.update_framework && updateFramework(master, framework, call.update_framework);
    default:
      // Accepted and without effect here: calls for executors and operations.
      return undefined;
  }
}

function performAcknowledge(master: MasterState, framework: Framework, { acknowledge: ack }: Call): void {
  if (ack === undefined) return;
  acknowledge(master, framework, { agentId: ack.agent_id.value, taskId: ack.task_id.value, uuid: ack.uuid });
  const agent = master.agents.get(ack.agent_id.value);
  if (agent !== undefined) watchDrain(master, agent);
}

function performInverse(master: MasterState, status: 'ACCEPT' | 'DECLINE', body: InverseAnswerBody | undefined): void {
  const ids = (body?.inverse_offer_ids ?? []).map(({ value }) => value);
  answerInverse(master, { ids, status, seconds: body?.filters?.refuse_seconds });
}

function rolesOf(body: RolesBody | undefined): readonly string[] {
  return body?.roles ?? (body?.role === undefined ? [] : [body.role]);
}

function updateFramework(master: MasterState, framework: Framework, body: SubscribeBody): string | undefined {
  const error = checkFrameworkInfo(body) ?? fixedFieldError(framework, body);
  if (error !== undefined) return `FrameworkInfo update is not valid: ${error}`;
  takeInfo(framework, body, true);
  return undefined;
}

function fixedFieldError(framework: Framework, { framework_info: given }: SubscribeBody): string | undefined {
  const { user, checkpoint = false } = framework.info;
  if (given.user !== user) return `Updating 'FrameworkInfo.user' is unsupported; attempted to update from '${user}' to '${given.user}'`;
  const asked = given.checkpoint ?? false;
  if (asked === checkpoint) return undefined;
  return `Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from '${checkpoint}' to '${asked}'`;
}
