/** What the routes work with, and how a Fastify app with the schemas' types is called. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify';
import { Type } from 'typebox';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { ChunkStore, PackReader } from '../store/chunk-store.ts';
import { ErrorJson } from '../wan/api-messages.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { Committer } from './committer.ts';
import type { Deltas } from './deltas.ts';
import type { ScrubJob } from '../store/scrub-job.ts';
import type { Quiet } from './quiet.ts';
import type { RepackJob } from './repack-job.ts';
import type { SiteRegistry } from './site-registry.ts';
import type { Traffic } from './traffic.ts';

export type CoreApp = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>;

export interface CoreParts {
  readonly store: ChunkStore & PackReader;
  readonly catalog: Catalog;
  readonly committer: Committer;
  readonly changes: ChangeFeed;
  readonly sites: SiteRegistry;
  readonly traffic: Traffic;
  readonly scrub: ScrubJob;
  /** Undefined: switched off. */
  readonly deltas: Deltas | undefined;
  readonly repack: RepackJob;
  readonly quiet: Quiet;
  readonly clock: Clock;
  readonly log: Logger;
  readonly startedAt: string;
  /** Fires when the core shuts down. */
  readonly closing: AbortSignal;
}

/** A body of bytes, in OpenAPI 3.1's words: a media type and no schema of what is in it. */
export const OCTETS = 'application/octet-stream';
export const DigestsBody = Type.Unsafe<Buffer>({ description: 'Digests, 32 bytes each' });
export const BytesAnswer = (description: string, type: string = OCTETS): object => ({ description, content: { [type]: { schema: {} } } });
export const ERRORS = { '4xx': ErrorJson, '5xx': ErrorJson } as const;
