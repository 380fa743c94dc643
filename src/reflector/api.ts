/** The reflector's local HTTP API: how it stands, and scrubbing. For the CLI, for operators' scripts and for Prometheus. */
import { createHttpApi, type HttpApi } from '../base/http-api.ts';
import type { Logger } from '../base/log.ts';
import type { ChunkStore } from '../store/chunk-store.ts';
import type { ScrubJob } from '../store/scrub-job.ts';
import type { Activity } from './activity.ts';

export interface ReflectorApiParts {
  readonly log: Logger;
  readonly store: ChunkStore;
  readonly scrub: ScrubJob;
  readonly activity: Activity;
  status(): Readonly<Record<string, unknown>>;
  connectionCount(): number;
}

export function createReflectorApi(parts: ReflectorApiParts): HttpApi {
  const api = createHttpApi({ role: 'reflector', log: parts.log });
  parts.activity.expose(api.metrics, parts.store, () => parts.connectionCount());
  api.app.get('/v1/status', () => parts.status());
  api.app.get('/v1/scrub', () => parts.scrub.status);
  api.app.post('/v1/scrub', (_request, reply) => reply.status(202).send(parts.scrub.start()));
  return api;
}
