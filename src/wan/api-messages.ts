/**
 * The JSON of the core's HTTP API, once: the core validates, serialises and documents by these schemas, and the client
 * checks by them what it receives.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { BranchcastError } from '../base/errors.ts';
import { CHANGES_WAIT_MS_MAX } from '../base/limits/daemons.ts';
import { LAYER_NAME_CHARS_MAX, LAYER_VERSION_CHARS_MAX } from '../base/limits/manifests.ts';
import { SITE_NAME_CHARS_MAX } from '../base/limits/wan.ts';
import { formatRoot, parseRoot } from '../chunking/digest.ts';
import { LAYER_KINDS } from '../manifest/descriptor.ts';
import type { LayerRecord } from '../transfer/chunk-source.ts';

const Count = Type.Integer({ minimum: 0 });
const CidText = Type.String({ minLength: 1, maxLength: 100, description: 'CIDv1, dag-cbor, blake3-256' });
const Time = Type.String({ description: 'ISO 8601, UTC' });
export const LayerName = Type.String({ minLength: 1, maxLength: LAYER_NAME_CHARS_MAX, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$' });
export const LayerVersion = Type.String({ minLength: 1, maxLength: LAYER_VERSION_CHARS_MAX, pattern: '^[A-Za-z0-9][A-Za-z0-9._+~-]*$' });
const Kind = Type.Enum([...LAYER_KINDS]);
export const SiteName = Type.String({ minLength: 1, maxLength: SITE_NAME_CHARS_MAX, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' });
export const PeerId = Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9]+$', description: 'libp2p peer id of the member' });

/** Chunks of a layer before and after they were repacked: their share of the core's packs. */
export const RepackedJson = Type.Object({ beforeBytes: Count, afterBytes: Count, level: Type.Integer({ minimum: 1, description: 'zstd' }), finishedAt: Time });
export type RepackedJson = Static<typeof RepackedJson>;

export const LayerJson = Type.Object({
  name: LayerName,
  version: LayerVersion,
  kind: Kind,
  root: CidText,
  descriptor: CidText,
  entryCount: Count,
  fileCount: Count,
  logicalBytes: Type.Integer({ minimum: 0, description: 'Sum of the file sizes' }),
  chunkCount: Type.Integer({ minimum: 0, description: 'Different chunks' }),
  chunkBytes: Type.Integer({ minimum: 0, description: 'Their bytes, before compression' }),
  manifestNodeCount: Count,
  manifestBytes: Count,
  storedBytes: Type.Integer({ minimum: 0, description: 'Share of the core\'s packs that the chunks, nodes and descriptor take' }),
  newStoredBytes: Type.Integer({ minimum: 0, description: 'The part of storedBytes that no layer committed before it uses' }),
  newStoredChunkBytes: Type.Integer({ minimum: 0, description: 'The part of newStoredBytes that is chunks: what a site that has every earlier layer lacks' }),
  publishedAt: Time,
  sequence: Type.Integer({ minimum: 1, description: 'Place in the order of commits' }),
  repacked: Type.Optional(RepackedJson),
});
export type LayerJson = Static<typeof LayerJson>;

/** A layer as code has it: ids are digests. */
export type PublishedLayer = LayerRecord & Readonly<Omit<LayerJson, 'root' | 'descriptor'>>;

export const LayersJson = Type.Object({ layers: Type.Array(LayerJson), cursor: Type.Integer({ minimum: 0, description: 'Pass it as `after` to read on' }) });

export const LayersQuery = Type.Object({ name: Type.Optional(LayerName), after: Type.Optional(Count) });
export const ChangesQuery = Type.Object({
  after: Type.Optional(Count),
  waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: CHANGES_WAIT_MS_MAX })),
});

export const CommitJson = Type.Object({ name: LayerName, version: LayerVersion, kind: Kind, descriptor: CidText });

export const UploadJson = Type.Object({ newChunkCount: Count, newRawBytes: Count, newStoredBytes: Count });

export const WanTotalsJson = Type.Object({
  bytes: Type.Integer({ minimum: 0, description: 'Body bytes that the core sent, of all kinds, since it started' }),
  chunkBytes: Count,
  manifestBytes: Count,
});
export type WanTotals = Static<typeof WanTotalsJson>;

/** What a member says of itself. Members may add keys; the core keeps them as they are. */
export const MemberReportJson = Type.Object(
  {
    role: Type.Union([Type.Literal('reflector'), Type.Literal('agent')]),
    version: Type.Optional(Type.String({ maxLength: 100 })),
    addresses: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 32 })),
  },
  { additionalProperties: true },
);
export type MemberReport = Static<typeof MemberReportJson> & Readonly<Record<string, unknown>>;

export const MemberJson = Type.Object({ peerId: PeerId, reportedAt: Time, report: MemberReportJson });
export const SiteJson = Type.Object({ name: SiteName, memberCount: Count, lastReportAt: Type.Optional(Time), wan: WanTotalsJson });
export const SiteDetailsJson = Type.Object({ name: SiteName, members: Type.Array(MemberJson), wan: WanTotalsJson });
export const SitesJson = Type.Object({ sites: Type.Array(SiteJson) });
export type Member = Static<typeof MemberJson>;
export type Site = Static<typeof SiteJson>;
export type SiteDetails = Static<typeof SiteDetailsJson>;

export const HealthJson = Type.Object({ ok: Type.Boolean(), role: Type.Literal('core'), version: Type.String(), startedAt: Time, layerCount: Count, cursor: Count });
export type Health = Static<typeof HealthJson>;

export const StoreStatsJson = Type.Object({
  chunkCount: Count, frameCount: Count, packCount: Count, rawBytes: Count, storedBytes: Count, quotaBytes: Type.Optional(Count),
  pinnedBytes: Count, evictedBytes: Count, hitCount: Count, missCount: Count, corruptCount: Count,
});
export const StatsJson = Type.Object({ store: StoreStatsJson, wan: WanTotalsJson, startedAt: Time });
export type CoreStats = Static<typeof StatsJson>;

export const ScrubJson = Type.Object({
  state: Type.Union([Type.Literal('never'), Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  startedAt: Type.Optional(Time),
  finishedAt: Type.Optional(Time),
  doneBytes: Type.Optional(Count),
  totalBytes: Type.Optional(Count),
  frameCount: Type.Optional(Count),
  chunkCount: Type.Optional(Count),
  droppedCount: Type.Optional(Count),
  dropped: Type.Optional(Type.Array(Type.String(), { description: 'Digests of chunks that did not read back right; the first thousand' })),
  error: Type.Optional(Type.String()),
});
export type ScrubStatus = Static<typeof ScrubJson>;

export const RepackStatusJson = Type.Object({
  state: Type.Union([Type.Literal('idle'), Type.Literal('waiting'), Type.Literal('running'), Type.Literal('failed')], { description: 'waiting: for the publishers to be quiet' }),
  layer: Type.Optional(Type.String({ description: 'The one under way' })),
  doneBytes: Type.Optional(Count),
  totalBytes: Type.Optional(Type.Integer({ minimum: 0, description: 'Bytes of its chunks, before compression' })),
  askedCount: Type.Integer({ minimum: 0, description: 'Layers that somebody asked for and that are not done: those that wait, and the one under way' }),
  layerCount: Type.Integer({ minimum: 0, description: 'Layers repacked since the start' }),
  frameCount: Count,
  savedBytes: Type.Integer({ minimum: 0, description: 'By which a first copy of these layers became smaller' }),
  freedBytes: Type.Integer({ minimum: 0, description: 'Of packs that went' }),
  error: Type.Optional(Type.String()),
});
export type RepackStatus = Static<typeof RepackStatusJson>;

export const ErrorJson = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    details: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  }),
});

/** `value` if it is what the schema says; BC_PROTOCOL naming the sender if not. */
export function expectJson<S extends TSchema>(schema: S, value: unknown, sender: string): Static<S> {
  if (Check(schema, value)) return value;
  throw new BranchcastError('BC_PROTOCOL', `${sender} answered with JSON of another form than the API's`, { details: { sender } });
}

export function layerToJson(layer: PublishedLayer): LayerJson {
  return { ...layer, root: formatRoot(layer.root), descriptor: formatRoot(layer.descriptor) };
}

/** undefined if an id is none. */
export function layerFromJson(json: LayerJson): PublishedLayer | undefined {
  const root = parseRoot(json.root);
  const descriptor = parseRoot(json.descriptor);
  return root === undefined || descriptor === undefined ? undefined : { ...json, root, descriptor };
}
