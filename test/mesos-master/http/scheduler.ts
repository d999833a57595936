/** POST /api/v1/scheduler on a leading master: the checks in Mesos's order, then the call. */

import { accept } from '../core/accept.ts';
import { callError, principalError } from '../core/call-rules.ts';
import { perform } from '../core/calls.ts';
import { disconnected, subscribe } from '../core/frameworks.ts';
import type { Framework, MasterState } from '../core/model.ts';
import type { Faults } from '../faults.ts';
import type { Call } from '../wire/call.ts';
import { callSchema } from '../wire/call-schema.ts';
import type { MesosEvent } from '../wire/event.ts';
import { ConversionError, convert } from '../wire/schema.ts';
import { answer, answerText, type Exchange } from './exchange.ts';
import { parseJson } from './json-body.ts';
import { Subscription } from './subscription.ts';

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

export interface SchedulerParts {
  readonly master: MasterState;
  readonly faults: Faults;
  readonly splitChunks: boolean;
  /** Every call that was accepted. */
  readonly onCall: (call: Call) => void;
  readonly onEvent: (event: MesosEvent) => void;
  /** The subscriptions that are open, for breaking them. */
  readonly open: Set<Subscription>;
}

/** `principal` is the authenticated one. */
export function schedulerCall(parts: SchedulerParts, exchange: Exchange, principal: string | undefined): void {
  const parsed = parseCall(exchange);
  if (typeof parsed !== 'object') return undefined;
  const error = callError(parsed, principal);
  if (error !== undefined) return answerText(exchange, 400, `Failed to validate scheduler::Call: ${error}`);
  handleWithFaults(parts, { exchange, call: parsed as Call, principal });
}

interface Incoming {
  readonly exchange: Exchange;
  readonly call: Call;
  readonly principal: string | undefined;
}

function handleWithFaults(parts: SchedulerParts, incoming: Incoming): void {
  const action = parts.faults.callAction(incoming.call);
  const { socket } = incoming.exchange.request;
  switch (action?.type) {
    case 'lose-request':
      socket.destroy();
      return;
    case 'lose-answer':
      handle(parts, incoming, { performAfterMs: 0, times: 1, answers: false });
      socket.destroy();
      return;
    case 'duplicate':
      return handle(parts, incoming, { performAfterMs: 0, times: 2, answers: true });
    case 'delay':
      parts.master.clock.timer(action.ms, () => handle(parts, incoming, PLAIN));
      return;
    case 'perform-late':
      return handle(parts, incoming, { performAfterMs: action.ms, times: 1, answers: true });
    case 'answer':
      return answerText(incoming.exchange, action.status, action.body);
    default:
      return handle(parts, incoming, PLAIN);
  }
}

interface Handling {
  readonly performAfterMs: number;
  readonly times: number;
  readonly answers: boolean;
}

const PLAIN: Handling = { performAfterMs: 0, times: 1, answers: true };

function handle(parts: SchedulerParts, incoming: Incoming, handling: Handling): void {
  const { master } = parts;
  const { exchange, call, principal } = incoming;
  if (call.type === 'SUBSCRIBE') return openSubscription(parts, incoming);
  const framework = master.frameworks.get(call.framework_id?.value ?? '');
  if (framework === undefined) return answerText(exchange, 400, 'Framework cannot be found');
  const refusal = streamRefusal(exchange, framework, principal);
  if (refusal !== undefined) return answerText(exchange, refusal.status, refusal.text);
  parts.onCall(call);
  if (handling.performAfterMs > 0) {
    // The offers of an ACCEPT are used up at once, however late it is performed.
    const finish = call.accept === undefined ? (): void => void perform(master, framework, call) : accept(master, framework, call.accept);
    master.clock.timer(handling.performAfterMs, finish);
    return answerAccepted(exchange);
  }
  let error: string | undefined;
  for (let time = 0; time < handling.times; time++) error = perform(master, framework, call);
  if (!handling.answers) return undefined;
  if (error !== undefined) return answerText(exchange, 400, error);
  if (call.type === 'UPDATE_FRAMEWORK') return answer(exchange, { status: 200 });
  // What the call caused is on the stream already; the answer may come before or after it at the client.
  if (!master.interleave) return answerAccepted(exchange);
  master.clock.timer(master.seeded.next() * master.timing.eventAllocationMs, () => answerAccepted(exchange));
}

function streamRefusal(
  { request }: Exchange,
  framework: Framework,
  principal: string | undefined,
): { readonly status: number; readonly text: string } | undefined {
  const wrongPrincipal = principalError(principal, framework.principal);
  if (wrongPrincipal !== undefined) return { status: 400, text: wrongPrincipal };
  if (framework.stream === undefined) return { status: 403, text: 'Framework is not subscribed' };
  const id = request.headers['mesos-stream-id'];
  if (id === undefined) return { status: 400, text: "All non-subscribe calls should include the 'Mesos-Stream-Id' header" };
  if (id === framework.stream.id) return undefined;
  const text = `The stream ID '${String(id)}' included in this request didn't match the stream ID currently associated with framework ID ${framework.id}`;
  return { status: 400, text };
}

function openSubscription(parts: SchedulerParts, { exchange, call, principal }: Incoming): void {
  const { master, open } = parts;
  if (!acceptsJson(exchange)) {
    return answerText(exchange, 406, `Expecting 'Accept' to allow '${PROTOBUF_TYPE}' or '${JSON_TYPE}'`);
  }
  if (exchange.request.headers['mesos-stream-id'] !== undefined) {
    return answerText(exchange, 400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
  }
  if (call.subscribe === undefined) return undefined;
  parts.onCall(call);
  const { clock, seeded } = master;
  const stream = new Subscription({ exchange, clock, seeded, faults: parts.faults, splitChunks: parts.splitChunks, onSent: parts.onEvent });
  open.add(stream);
  stream.onClosed(() => {
    open.delete(stream);
    clock.post(() => disconnected(master, stream));
  });
  subscribe(master, { body: call.subscribe, stream, principal });
}

/** The call as converted, or nothing when it has been answered. */
function parseCall(exchange: Exchange): Partial<Call> | undefined {
  const type = exchange.request.headers['content-type'];
  const refuse = (status: number, text: string): undefined => {
    answerText(exchange, status, text);
    return undefined;
  };
  if (type === undefined) return refuse(400, "Expecting 'Content-Type' to be present");
  if (type === PROTOBUF_TYPE) return refuse(400, 'Failed to parse body into Call protobuf');
  if (type !== JSON_TYPE) return refuse(415, `Expecting 'Content-Type' of ${JSON_TYPE} or ${PROTOBUF_TYPE}`);
  const json = parseJson(exchange.body.toString('utf8'));
  if ('error' in json) return refuse(400, `Failed to parse body into JSON: ${json.error}`);
  try {
    return convert(json.value, callSchema);
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    return refuse(400, `Failed to convert JSON into Call protobuf: ${error.message}`);
  }
}

function acceptsJson({ request }: Exchange): boolean {
  const accept = request.headers.accept ?? '*/*';
  return accept
    .split(',')
    .map((one) => one.split(';')[0]?.trim())
    .some((one) => one === '*/*' || one === 'application/*' || one === JSON_TYPE);
}

function answerAccepted(exchange: Exchange): void {
  answer(exchange, { status: 202 });
}
