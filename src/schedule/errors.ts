/** A schedule, duration or time zone that can't be used. The message says what was read and what is allowed. */

export class ScheduleError extends Error {
  readonly code = 'E_SCHEDULE';
  /** Which of the inputs is at fault. */
  readonly field: 'schedule' | 'timeZone' | 'duration';

  constructor(field: ScheduleError['field'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ScheduleError';
    this.field = field;
  }
}
