/** JSON parsing with the error text of Mesos's parser: the line, and what is left of it from the error on. */

export type ParsedJson = { readonly value: unknown } | { readonly error: string };

export function parseJson(text: string): ParsedJson {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const position = Number(/position (\d+)/.exec(String(error))?.[1] ?? text.length);
    const line = text.slice(0, position).split('\n').length;
    const rest = text.slice(position).split('\n')[0] ?? '';
    return { error: `syntax error at line ${line} near: ${rest}` };
  }
}
