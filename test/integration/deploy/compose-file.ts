/** deploy/docker-compose.yml as data. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface Service {
  readonly image: string;
  readonly network_mode?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, object>>;
}

export const deployDir: string = join(import.meta.dirname, '../../../deploy');

export function readDeployFile(name: string): string {
  return readFileSync(join(deployDir, name), 'utf8');
}

export function readYaml<T>(name: string): T {
  return parse(readDeployFile(name), { merge: true }) as T;
}

export function readCompose(): ComposeFile {
  return readYaml<ComposeFile>('docker-compose.yml');
}

/** Services whose name begins so, by name. */
export function servicesCalled(file: ComposeFile, prefix: string): readonly (readonly [string, Service])[] {
  return Object.entries(file.services).filter(([name]) => name.startsWith(prefix));
}

/** The value of `--flag=value` in a service's command. */
export function flagOf(service: Service, flag: string): string {
  const found = service.command?.find((argument) => argument.startsWith(`--${flag}=`));
  if (found === undefined) throw new Error(`no --${flag} in ${String(service.command)}`);
  return found.slice(flag.length + 3);
}
