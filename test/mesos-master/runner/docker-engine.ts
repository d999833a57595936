/** The few calls of the Docker Engine API that the stand-in's executor makes, over the Engine's unix socket. */

import { request, type IncomingMessage } from 'node:http';
import type { ImageConfig } from './image-command.ts';

/** An answer that is not a success; `message` is the Engine's own. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class DockerEngine {
  readonly #socketPath: string;

  /** A path, with or without `unix://`. */
  constructor(socket: string) {
    this.#socketPath = socket.replace(/^unix:\/\//, '');
  }

  get host(): string {
    return `unix://${this.#socketPath}`;
  }

  async hasImage(image: string): Promise<boolean> {
    try {
      await this.#call('GET', `/images/${encodeURIComponent(image)}/json`);
      return true;
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return false;
      throw error;
    }
  }

  async imageConfig(image: string): Promise<ImageConfig> {
    const { Config } = (await this.#call('GET', `/images/${encodeURIComponent(image)}/json`)) as { readonly Config?: ImageConfig };
    return Config ?? {};
  }

  async pull(image: string): Promise<void> {
    const lines = await this.#text('POST', `/images/create?fromImage=${encodeURIComponent(image)}`);
    // The Engine says 200 before it knows, and the error in the stream.
    for (const line of lines.split('\n').filter((one) => one !== '')) {
      const { error } = JSON.parse(line) as { readonly error?: string };
      if (error !== undefined) throw new EngineError(500, error);
    }
  }

  async create(name: string, body: object): Promise<void> {
    await this.#call('POST', `/containers/create?name=${encodeURIComponent(name)}`, body);
  }

  async start(name: string): Promise<void> {
    await this.#call('POST', `/containers/${name}/start`);
  }

  /** Resolves with the exit status when the container stops. */
  async wait(name: string): Promise<number> {
    const answer = (await this.#call('POST', `/containers/${name}/wait`)) as { readonly StatusCode: number };
    return answer.StatusCode;
  }

  inspect(name: string): Promise<unknown> {
    return this.#call('GET', `/containers/${name}/json`);
  }

  async signal(name: string, signal: string): Promise<void> {
    await this.#call('POST', `/containers/${name}/kill?signal=${signal}`);
  }

  async remove(name: string): Promise<void> {
    await this.#call('DELETE', `/containers/${name}?force=1&v=1`);
  }

  /** The container's output as the Engine frames it, from its start on. */
  attach(name: string): Promise<IncomingMessage> {
    return this.#open('POST', `/containers/${name}/attach?stream=1&stdout=1&stderr=1`);
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const text = await this.#text(method, path, body);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  async #text(method: string, path: string, body?: object): Promise<string> {
    return readText(await this.#open(method, path, body));
  }

  #open(method: string, path: string, body?: object): Promise<IncomingMessage> {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const headers = json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) };
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socketPath, method, path, headers, agent: false }, (response) => {
        const status = response.statusCode ?? 0;
        if (status < 400) return resolve(response);
        readText(response).then((text) => reject(new EngineError(status, messageOf(text))), reject);
      });
      sent.on('error', reject);
      sent.end(json);
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { readonly message?: string }).message ?? text;
  } catch {
    return text;
  }
}
