/** An image registry on loopback with one image of one layer: enough of the registry API for a Docker Engine to pull it. */

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface ImageRegistry {
  /** `127.0.0.1:<port>`, the first part of an image's name. The Engine speaks plain HTTP to loopback. */
  readonly host: string;
  /** Paths asked for. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';

export interface RegistryOptions {
  /** The layer comes when it resolves. */
  readonly held?: Promise<void>;
  /** `user:password` that all who ask must give; absent: anyone may. */
  readonly login?: string;
}

/** Serves `<host>/<name>:1` with this root file system; all else does not exist. */
export async function startImageRegistry(name: string, rootfs: Buffer, options: RegistryOptions = {}): Promise<ImageRegistry> {
  const { held = Promise.resolve(), login } = options;
  const layer = gzipSync(rootfs, { level: 1 });
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(rootfs)] },
    }),
  );
  const part = (mediaType: string, bytes: Buffer): object => ({ mediaType, size: bytes.length, digest: digestOf(bytes) });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  );
  const answers = new Map<string, Buffer>([
    ['/v2/', Buffer.from('{}')],
    [`/v2/${name}/manifests/1`, manifest],
    [`/v2/${name}/manifests/${digestOf(manifest)}`, manifest],
    [`/v2/${name}/blobs/${digestOf(config)}`, config],
    [`/v2/${name}/blobs/${digestOf(layer)}`, layer],
  ]);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    if (login !== undefined && request.headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"', 'content-type': 'application/json' });
      return response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
    }
    const body = answers.get(path);
    if (body === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      return response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }));
    }
    const type = body === manifest ? MANIFEST_TYPE : 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-length': body.length, 'docker-content-digest': digestOf(body) });
    if (request.method === 'HEAD') return response.end();
    if (body !== layer) return response.end(body);
    void held.then(() => response.end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A test that fails need not close it to end.
  server.unref();
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
