/** Turns what a leader does into log lines and metrics. One line per change of state, with ids; ticks only at level debug. */

import { EngineFailure } from '../engine/quarantine.ts';
import type { Fact } from '../engine/facts.ts';
import type { ExecutorCommand, ExecutorEvent } from '../executor/port.ts';
import type { LeaderObserver } from '../leader/observer.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export function leaderObserver(logger: Logger, metrics: Metrics, executorKind: string): LeaderObserver {
  return {
    termBegan(term) {
      metrics.termBegan(term);
      // Not connected until told so: an alert can't see a series that is not there.
      metrics.executorDisconnected(executorKind);
      logger.info({ term: String(term) }, 'this node leads');
    },
    termEnded(term, reason) {
      metrics.termEnded();
      metrics.executorDisconnected(executorKind);
      logger.info({ term: String(term), reason }, 'this node leads no more');
    },
    fact: (fact) => tellFact(logger, metrics, fact),
    decided: (seconds) => metrics.decided(seconds),
    committed: (outcome, seconds, writes) => metrics.committed(outcome, seconds, writes),
    executorEvent: (event) => tellExecutorEvent(logger, metrics, { event, kind: executorKind }),
    performed: (command) => countOffers(metrics, command),
    trouble: (where, error) => {
      if (error instanceof EngineFailure) metrics.engineFailed();
      logger.error({ where, error }, 'something failed; it is tried again or given up');
    },
  };
}

function tellFact(logger: Logger, metrics: Metrics, fact: Fact): void {
  switch (fact.type) {
    case 'run-created':
      return logger.info({ job: fact.job, run: fact.run, flow: fact.flow, trigger: fact.trigger }, 'run created');
    case 'attempt-launched':
      if (fact.latenessMs !== undefined) {
        metrics.runLaunched(fact.latenessMs / 1000);
        metrics.verdictGiven('launched');
      }
      return logger.info({ task: fact.taskId, agent: fact.agentId, latenessMs: fact.latenessMs }, 'attempt launched');
    case 'attempt-started':
      return logger.debug({ task: fact.taskId }, 'attempt started');
    case 'attempt-ended':
      metrics.attemptEnded(attemptOutcome(fact), fact.fault ?? 'none');
      return logger.info(
        { task: fact.taskId, outcome: fact.outcome, fault: fact.fault, reason: fact.reason?.text, retryAt: fact.retryAt },
        'attempt ended',
      );
    case 'run-ended':
      metrics.runEnded(fact.outcome);
      return logger.info({ job: fact.job, run: fact.run, flow: fact.flow, outcome: fact.outcome, reason: fact.reason?.text }, 'run ended');
    case 'verdict':
      if (fact.added > 0) metrics.verdictGiven(fact.verdict.verdict, fact.added);
      return logger.info(
        { job: fact.job, verdict: fact.verdict.verdict, from: fact.verdict.from, to: fact.verdict.to, reason: fact.verdict.reason.text },
        'nominal times without a run',
      );
    case 'request-taken':
      metrics.requestTaken(fact.request);
      return logger.info({ request: fact.id, type: fact.request, job: fact.job, result: fact.result }, 'request taken');
    case 'executor':
      return logger.info({ state: fact.state, detail: fact.detail }, 'executor');
    case 'stray-task':
    case 'job-quarantined':
    case 'unusable-record':
      return tellTrouble(logger, fact);
  }
}

type Trouble = Extract<Fact, { type: 'stray-task' | 'job-quarantined' | 'unusable-record' }>;

function tellTrouble(logger: Logger, fact: Trouble): void {
  switch (fact.type) {
    case 'stray-task':
      return logger.warn({ task: fact.taskId, state: fact.state }, 'a task that was given up still runs; it is killed');
    case 'job-quarantined':
      return logger.error(
        { job: fact.job, until: fact.until, failures: fact.failures, problem: fact.problem },
        'the engine failed on a job; it is in quarantine',
      );
    case 'unusable-record':
      return logger.error({ key: fact.key, problem: fact.problem }, 'a stored record can not be used; it is left alone');
  }
}

function attemptOutcome(fact: Extract<Fact, { type: 'attempt-ended' }>): 'finished' | 'failed' | 'killed' | 'lost' {
  if (fact.outcome === 'succeeded') return 'finished';
  if (fact.outcome === 'killed') return 'killed';
  return fact.fault === 'infrastructure' ? 'lost' : 'failed';
}

function tellExecutorEvent(logger: Logger, metrics: Metrics, { event, kind }: { event: ExecutorEvent; kind: string }): void {
  metrics.executorEvent(event.type);
  if (event.type === 'connected') metrics.executorConnected(kind);
  if (event.type === 'offers') metrics.offersChanged('received', event.offers.length);
  if (event.type === 'rescinded') metrics.offersChanged('rescinded');
  if (event.type !== 'disconnected') return;
  metrics.executorDisconnected(kind);
  logger.warn({ reason: event.reason, final: event.final }, 'executor out of reach');
}

function countOffers(metrics: Metrics, command: ExecutorCommand): void {
  if (command.type === 'launch') metrics.offersChanged('used', command.offerIds.length);
  if (command.type === 'decline') metrics.offersChanged('declined', command.offerIds.length);
}
