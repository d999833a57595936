/** What the handlers work with: what the API was given, and what it keeps beside the copy of the store. One per app. */

import { DefinitionIndex } from './definition-index.ts';
import { DefinitionWriter } from './definition-writer.ts';
import type { ApiDeps } from './deps.ts';
import { FollowerLimit } from './follower-limit.ts';
import { LeaderWatch } from './leader-watch.ts';
import { RequestIndex } from './request-index.ts';
import { RequestWriter } from './request-writer.ts';
import { RunIndex } from './run-index.ts';
import { SuspensionWriter } from './suspension-writer.ts';

export interface ApiParts extends ApiDeps {
  readonly definitions: DefinitionIndex;
  readonly writer: DefinitionWriter;
  readonly runs: RunIndex;
  readonly requests: RequestIndex;
  readonly submitter: RequestWriter;
  readonly suspension: SuspensionWriter;
  readonly leaders: LeaderWatch;
  readonly followers: FollowerLimit;
  /** Aborts when the server closes: streams end. */
  readonly closing: AbortSignal;
}

export function assemble(deps: ApiDeps, closing: AbortSignal): ApiParts {
  const definitions = new DefinitionIndex(deps.replica, deps.logger);
  const writer = new DefinitionWriter(deps, definitions);
  const runs = new RunIndex(deps.replica);
  const requests = new RequestIndex(deps.replica);
  const submitter = new RequestWriter(deps);
  const suspension = new SuspensionWriter(deps);
  const leaders = new LeaderWatch(deps.replica, deps.clock);
  const indexes = [definitions, runs, requests, leaders];
  runs.open();
  requests.open();
  leaders.open();
  closing.addEventListener('abort', () => indexes.forEach((index) => index.close()), { once: true });
  return { ...deps, definitions, writer, runs, requests, submitter, suspension, leaders, followers: new FollowerLimit(), closing };
}
