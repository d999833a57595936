/**
 * The patterns of LIKE and UNLIKE: regular expressions in RE2's syntax, which take time in proportion to the text whatever they say.
 * Node's own can take for ever on a short text, and then no leader would get past the job that has such a pattern.
 *
 * What compiles is remembered, as the same few patterns are asked again and again; so much and no more, and with no effect on answers.
 */

import { RE2JS } from 're2js';
import { MAX_PATTERN_LENGTH, MAX_PATTERN_SIZE } from './limits.ts';

export type Compiled =
  | { readonly ok: true; readonly matches: (text: string) => boolean }
  | { readonly ok: false; readonly problem: string };

/** Patterns that are remembered; the one that was asked for longest ago goes first. */
const REMEMBERED = 1_000;

const remembered = new Map<string, Compiled>();

/** The pattern, to be matched against a whole text; or why it can't be used, as it is said of a field. */
export function compilePattern(text: string): Compiled {
  const known = remembered.get(text);
  if (known) remembered.delete(text);
  const compiled = known ?? compile(text);
  remembered.set(text, compiled);
  if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value as string);
  return compiled;
}

function compile(text: string): Compiled {
  if (text.length > MAX_PATTERN_LENGTH) return { ok: false, problem: `must have at most ${MAX_PATTERN_LENGTH} characters` };
  // Asked before compiling, as what is too large takes a second to compile.
  if (roughSize(text) > 10 * MAX_PATTERN_SIZE) return TOO_LARGE;
  try {
    const pattern = RE2JS.compile(text);
    return pattern.programSize() > MAX_PATTERN_SIZE ? TOO_LARGE : { ok: true, matches: (value) => pattern.matches(value) };
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return { ok: false, problem: `must be a regular expression, without lookaround and backreferences: ${detail}` };
  }
}

const TOO_LARGE: Compiled = { ok: false, problem: 'must repeat less: written out, it is too long' };

/** A thing that may be repeated (an escape, a class, a character), a count of repetitions, or a parenthesis. */
const PARTS = /\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?<least>\d+)(?:,(?<most>\d*))?\}|./gs;

/** About how many things a pattern has to match, with its counted repetitions written out. */
function roughSize(text: string): number {
  const outer: number[] = [];
  let size = 0;
  let last = 0;
  for (const { 0: part, groups } of text.matchAll(PARTS)) {
    const count = groups?.['most'] || groups?.['least'];
    if (count !== undefined) {
      size += last * (Number(count) - 1);
    } else if (part === '(') {
      outer.push(size);
      size = 0;
    } else {
      last = part === ')' ? size : 1;
      size = part === ')' ? (outer.pop() ?? 0) + size : size + 1;
    }
  }
  return size;
}
