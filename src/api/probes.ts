/** `/healthz`, `/readyz`, `/metrics`: for whoever watches over the process. */

import type { Router } from '@koa/router';
import type { ApiParts } from './parts.ts';

export function probeRoutes(router: Router, { readiness, metrics, nodeId }: ApiParts): void {
  /** The process answers; nothing more. */
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok', node: nodeId };
  });
  router.get('/readyz', (ctx) => {
    const { ready, reasons } = readiness();
    ctx.status = ready ? 200 : 503;
    ctx.body = { ready, reasons };
  });
  router.get('/metrics', async (ctx) => {
    const { contentType, body } = await metrics.expose();
    ctx.body = body;
    ctx.set('Content-Type', contentType);
  });
}
