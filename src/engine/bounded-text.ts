/** What others say comes from outside and may be of any length. */

const LIMIT = 500;

/** At most so much of it, in UTF-16 units, and a sign that there was more. */
export function boundedText(text: string): string {
  return text.length <= LIMIT ? text : `${text.slice(0, LIMIT)}…`;
}
