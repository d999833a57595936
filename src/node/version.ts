/** The version of this build, from package.json, which stands beside src and dist alike. */

import { readFileSync } from 'node:fs';

const file = new URL('../../package.json', import.meta.url);

export const version: string = (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
