/** What the runner prints, and the JUnit file for CI systems that read one. */

import type { TestResult } from './test-process.ts';

const SLOWEST = 8;
const SLOW_S = 5;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countAll(results: readonly TestResult[]): Counts {
  const sum = (of: (result: TestResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  return { passed: sum((r) => r.passed), failed: sum((r) => r.failed), skipped: sum((r) => r.skipped) };
}

/** The last line of a run, exactly. */
export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** One line for a file that is over; with its whole output when it failed. */
export function fileReport(result: TestResult): string {
  const { file, passed, failed, skipped, seconds } = result;
  const skips = skipped === 0 ? '' : `, ${skipped} skipped`;
  const line = `${failed === 0 ? 'ok  ' : 'FAIL'} ${file.name}: ${passed} passed${skips} (${seconds.toFixed(1)} s)`;
  if (failed === 0) return line;
  return [line, ...result.faults.map((fault) => `     ${fault}`), indent(result.output.trimEnd()), ''].join('\n');
}

/** The files that took longest, if any took long. */
export function slowFiles(results: readonly TestResult[]): readonly string[] {
  return results
    .filter(({ seconds }) => seconds >= SLOW_S)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST)
    .map(({ file, seconds }) => `slow ${seconds.toFixed(1).padStart(6)} s  ${file.name}`);
}

/** One case per file: uvu names a test only when it fails, and then the output has it. */
export function junit(results: readonly TestResult[]): string {
  const failures = results.filter(({ failed }) => failed > 0).length;
  const cases = results.map((result) => {
    const head = `  <testcase name="${escape(result.file.name)}" time="${result.seconds.toFixed(3)}"`;
    if (result.failed === 0) return `${head}/>`;
    const text = escape([...result.faults, result.output].join('\n'));
    return `${head}>\n    <failure message="${result.failed} failed">${text}</failure>\n  </testcase>`;
  });
  const suite = `<testsuite name="kairos" tests="${results.length}" failures="${failures}">`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', suite, ...cases, '</testsuite>', ''].join('\n');
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '     | ');
}

/** For XML 1.0, which has no way to write most control characters. */
function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[^\t\n\r -\uFFFD]/g, '?');
}
