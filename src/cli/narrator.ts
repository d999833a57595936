/** Tells in the terminal what a node does, a line for each thing a person would want to know. */

import pc from 'picocolors';
import type { Fact } from '../engine/facts.ts';

/** What is asked of a terminal. */
export type Say = (line: string) => void;

const NAME_WIDTH = 26;

export class Narrator {
  readonly #say: Say;

  constructor(say: Say) {
    this.#say = say;
  }

  tell(fact: Fact): void {
    const line = describe(fact);
    if (line !== undefined) this.#say(line);
  }
}

function describe(fact: Fact): string | undefined {
  switch (fact.type) {
    case 'attempt-launched': {
      const late = fact.latenessMs === undefined ? '' : pc.dim(`  ${fact.latenessMs} ms after its nominal time`);
      return line(pc.cyan('▶ launched'), fact.taskId, late);
    }
    case 'attempt-ended':
      if (fact.retryAt === undefined) return undefined;
      return line(pc.yellow('↻ failed, will be retried'), fact.taskId, pc.dim(`  ${fact.reason?.text ?? ''}`));
    case 'run-ended':
      return describeEnd(fact);
    case 'verdict':
      return line(pc.yellow(`– ${fact.verdict.verdict}`), fact.job, pc.dim(`  ${fact.verdict.reason.text}`));
    case 'request-taken':
      return line(pc.magenta(`! ${fact.request}`), fact.job, pc.dim(`  ${fact.result}`));
    case 'stray-task':
      return line(pc.yellow('! stray task killed'), fact.taskId, '');
    case 'executor':
      return fact.state === 'disconnected' ? line(pc.red('! executor out of reach'), '', pc.dim(fact.detail)) : undefined;
    case 'job-quarantined':
      return line(pc.red('! in quarantine'), fact.job, `  ${fact.problem}`);
    case 'unusable-record':
      return line(pc.red('! unusable record'), fact.key, `  ${fact.problem}`);
    case 'run-created':
    case 'attempt-started':
      return undefined;
  }
}

function describeEnd(fact: Extract<Fact, { type: 'run-ended' }>): string {
  const name = `${fact.job}#${fact.run}`;
  const why = fact.reason ? pc.dim(`  ${fact.reason.text}`) : '';
  switch (fact.outcome) {
    case 'succeeded':
      return line(pc.green('✔ succeeded'), name, pc.dim(`  in flow ${fact.flow}`));
    case 'failed':
      return line(pc.red('✘ failed'), name, why);
    default:
      return line(pc.yellow(`– ${fact.outcome}`), name, why);
  }
}

function line(what: string, name: string, more: string): string {
  return `${name.padEnd(NAME_WIDTH)} ${what}${more}`;
}
