/** Source files as the house rules see them: where they are, what they import, and their text without comments or strings. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface SourceFile {
  /** Relative to src: `engine/records.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  /** A file relative to src, when `isFile`; else the name of a package or a `node:` module. */
  readonly to: string;
  readonly isFile: boolean;
}

export function readFiles(root: string): readonly SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The folder right under src; empty for a file that is in none, or not under src. */
export function roomOf(path: string): string {
  return path.includes('/') && !path.startsWith('../') ? path.slice(0, path.indexOf('/')) : '';
}

/** Folders beside adapters that are not adapters: ground that some of them share. */
const SHARED_GROUND = ['executor/local'];

/** `store/etcd` for `store/etcd/watch.ts`; undefined for a port's own files and for rooms that have no adapters. */
export function adapterOf(path: string): string | undefined {
  const folder = portFolderOf(path);
  return folder === undefined || SHARED_GROUND.includes(folder) ? undefined : folder;
}

/** `executor/local` for `executor/local/log.ts`; undefined for what may be imported from above. */
export function sharedGroundOf(path: string): string | undefined {
  const folder = portFolderOf(path);
  return folder !== undefined && SHARED_GROUND.includes(folder) ? folder : undefined;
}

function portFolderOf(path: string): string | undefined {
  const [room, folder, file] = path.split('/');
  return (room === 'store' || room === 'executor') && file !== undefined ? `${room}/${folder}` : undefined;
}

const SPECIFIER = /\b(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g;

export function importsOf(file: SourceFile): readonly Import[] {
  return [...codeOf(file.text, 'with strings').matchAll(SPECIFIER)].map((match) => {
    const specifier = match[1] ?? match[2] ?? '';
    const isFile = specifier.startsWith('.');
    const to = isFile ? posix.normalize(posix.join(posix.dirname(file.path), specifier)) : specifier;
    return { from: file.path, to, isFile };
  });
}

/** Comments, strings, templates (as a whole) and regular expressions. */
const COMMENT = String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`;
const TEXT = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"`;
const TEMPLATE = String.raw`${'`'}(?:\\.|[^\\${'`'}])*${'`'}`;
/** A slash begins a regular expression where a value is expected. */
const PATTERN = String.raw`(?<=(?:^|[(,=:[!&|?{};+>]|\breturn)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`;
const LEXEMES = new RegExp([COMMENT, TEXT, TEMPLATE, PATTERN].join('|'), 'g');

/** `text` with comments blanked, and with strings emptied unless asked for. What stands in `${}` of a template is kept. */
export function codeOf(text: string, strings: 'with strings' | 'without strings' = 'without strings'): string {
  return text.replaceAll(LEXEMES, (lexeme) => {
    if (lexeme.startsWith('//') || lexeme.startsWith('/*')) return lexeme.replaceAll(/[^\n]/g, ' ');
    if (strings === 'with strings') return lexeme;
    if (lexeme.startsWith('`')) return `\`${[...lexeme.matchAll(/\$\{([^}]*)\}/g)].map((match) => ` ${match[1]} `).join('')}\``;
    return lexeme.startsWith('/') ? '/ /' : "''";
  });
}
