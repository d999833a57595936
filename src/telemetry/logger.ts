/**
 * Structured logs: one JSON object a line, a constant message with fields beside it.
 *
 * Every line passes redaction.ts, so a field can be logged without thinking about what it may hide. Lines are written
 * before the call returns: the last line of a process that dies is the one that is needed. No module-level logger: whoever
 * logs was given one.
 */

import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { redact } from './redaction.ts';
import type { Fields } from './redaction.ts';

export type { Fields } from './redaction.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Logger {
  /** Ticks and details, for someone who looks for a fault. */
  debug(fields: Fields, message: string): void;
  /** A change of state worth one line. */
  info(fields: Fields, message: string): void;
  /** Something is wrong and was dealt with. */
  warn(fields: Fields, message: string): void;
  /** Something is wrong and a person should look. */
  error(fields: Fields, message: string): void;
  /** A logger whose lines all carry `fields`. */
  child(fields: Fields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go; standard output when absent. */
  readonly stream?: DestinationStream;
  /** Whose time the lines carry; the machine's when absent. */
  readonly clock?: Clock;
}

export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    // The process id and host name are the log shipper's business.
    base: null,
    timestamp: timestampOf(options.clock),
    formatters: { level: (label: string) => ({ level: label }), log: redact },
  };
  return wrap(options.stream === undefined ? pino(settings) : pino(settings, options.stream));
}

/** Says nothing; for tests and for callers that were given no logger. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

function timestampOf(clock: Clock | undefined): () => string {
  if (clock === undefined) return pino.stdTimeFunctions.isoTime;
  return () => `,"time":"${new Date(clock.now()).toISOString()}"`;
}

function wrap(inner: PinoLogger): Logger {
  return {
    debug: (fields, message) => inner.debug(fields, message),
    info: (fields, message) => inner.info(fields, message),
    warn: (fields, message) => inner.warn(fields, message),
    error: (fields, message) => inner.error(fields, message),
    // pino writes a child's fields as they are, past the `log` formatter.
    child: (fields) => wrap(inner.child(redact(fields))),
  };
}
