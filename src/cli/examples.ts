/** Loads the example jobs over the node's own API, as a user would; what is there already is left as it is. */

import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'undici';
import { parse } from 'yaml';

const directory = new URL('../../config/examples/', import.meta.url);

export async function loadExamples(url: string): Promise<{ created: number; kept: number }> {
  let created = 0;
  let kept = 0;
  for (const job of exampleJobs()) {
    const response = await request(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(job),
    });
    const body = await response.body.text();
    if (response.statusCode === 201) created += 1;
    else if (response.statusCode === 409) kept += 1;
    else throw new Error(`the example job ${job.name} was refused (${response.statusCode}): ${body}`);
  }
  return { created, kept };
}

/** In the order of the files, parents before children. */
export function exampleJobs(): { readonly name: string }[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  return files.sort().flatMap((file) => (parse(readFileSync(new URL(file, directory), 'utf8')) as { jobs: { name: string }[] }).jobs);
}
