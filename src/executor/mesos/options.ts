/** What the Mesos executor is given. Defaults are constants beside what they govern. */

import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Authenticator } from './authenticator.ts';
import type { Containerizer } from './command-info.ts';
import type { FrameworkOptions } from './framework.ts';
import type { LaunchPace } from './launch-window.ts';
import type { MasterDetector } from './master-detector.ts';
import type { TlsOptions } from './transport.ts';

export interface MesosOptions {
  /** Where the masters are: staticMasters(…), or another detector. */
  readonly detector: MasterDetector;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly framework?: FrameworkOptions;
  /** Proves the framework to the masters. Default: anonymous. */
  readonly authenticator?: Authenticator;
  readonly tls?: TlsOptions;
  /** Runs tasks that have an image. Default: docker. */
  readonly containerizer?: Containerizer;
  /** How many launches may be on their way on one agent; see launch-window.ts. */
  readonly launchPace?: Partial<LaunchPace>;
  /** How long `reconciled` waits for tasks that nobody speaks for. */
  readonly reconcileBoundMs?: number;
  /** How the agents are asked for logs. Default: http, anonymous. */
  readonly agents?: { readonly scheme?: 'http' | 'https'; readonly authenticator?: Authenticator };
  /** The framework id for a node that does not lead and so never subscribed: what the store holds. */
  readonly identity?: () => string | undefined;
}
