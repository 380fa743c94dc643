/** `branchcast layer plan --endpoints`: what it means for each of many endpoints to be brought to one version, and for their site. Reads manifests, and asks where chunks are. */
import { PLAN_BLOCK_BYTES, PLAN_NAMES_SHOWN_MAX } from '../base/limits/commands.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import { formatRoot } from '../chunking/digest.ts';
import { ChunkSet } from '../image/chunk-set.ts';
import { FleetForecaster, type EndpointForecast } from '../image/fleet-forecast.ts';
import { Pace } from '../image/pace.ts';
import type { ManifestChunk } from '../manifest/read.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import type { CoreClient } from '../wan/core-client.ts';
import { transferCost } from '../wan/transfer-cost.ts';
import type { Invocation } from './command.ts';
import { CoreManifests } from './core-manifest.ts';
import type { ListedEndpoint } from './endpoint-list.ts';
import { facts, table, type Outcome } from './outcome.ts';
import { requireLayer } from './require-layer.ts';

/** What becomes of the layer in an endpoint's directory: `downgrade` to a version that was published before the one that is there. */
type Move = 'first copy' | 'none' | 'update' | 'downgrade' | 'other layer';

/** Endpoints that have the same layers, in the same order. */
interface Group {
  readonly names: string[];
  readonly have: readonly PublishedLayer[];
}

interface PlannedGroup extends Group {
  readonly move: Move;
  readonly forecast: Omit<EndpointForecast, 'lacking'>;
  readonly lacking: Sums;
  /** About, of chunks and manifest. */
  readonly networkBytes: number;
}

/** Of chunks: before compression, and about what they weigh as the core stores them. */
interface Sums {
  readonly count: number;
  readonly bytes: number;
  readonly storedBytes: number;
}

export async function planFleet(client: CoreClient, ref: string, endpoints: readonly ListedEndpoint[], rate: number | undefined, { signal, progress }: Invocation): Promise<Outcome> {
  const layer = await requireLayer(client, ref, signal);
  progress.update('plan: looking up layers');
  const groups = await groupsOf(client, endpoints, signal);
  const manifests = new CoreManifests(client, signal);
  const pace = new Pace(signal);
  const { manifest: after, cost: manifest } = await manifests.openCounted(layer.root);
  const forecaster = await FleetForecaster.of({ after, open: (root) => manifests.open(root), blockBytes: PLAN_BLOCK_BYTES, pace });
  const together = new ChunkSet(forecaster.chunks.length);
  for (const [at, { have }] of groups.entries()) {
    if (pace.due) await pace.turn();
    progress.update(`plan: ${at} of ${groups.length} sets of layers compared`);
    // They come while these are compared. What fails, fails in its turn.
    for (const { root } of groups[at + 1]?.have ?? []) manifests.open(root).catch(() => undefined);
    together.addAll((await forecaster.forecast(have.map(({ root }) => root))).lacking);
  }
  progress.update('plan: looking for chunks');
  const places = [...together.places()];
  const storedPerByte = new Map<number, number>();
  const transfer = await transferCost(client, forecaster.chunksIn(together).map(({ digest }) => digest), {
    signal,
    onChunk: (index, share) => storedPerByte.set(places[index] as number, share),
  });
  const sumsOf = (set: ChunkSet): Sums => {
    const sums = { count: 0, bytes: 0, storedBytes: 0 };
    for (const place of set.places()) {
      const { bytes } = forecaster.chunks[place] as ManifestChunk;
      sums.count += 1;
      sums.bytes += bytes;
      sums.storedBytes += bytes * (storedPerByte.get(place) ?? 0);
    }
    return { ...sums, storedBytes: Math.round(sums.storedBytes) };
  };
  const planned: PlannedGroup[] = [];
  for (const group of groups) {
    if (pace.due) await pace.turn();
    // Asked for again, which costs little, rather than kept: there may be as many sets of layers as endpoints.
    const { lacking, ...forecast } = await forecaster.forecast(group.have.map(({ root }) => root));
    const sums = sumsOf(lacking);
    const networkBytes = Math.round(sums.storedBytes + (forecast.nodeBytes * manifest.wireBytes) / manifest.nodeBytes);
    planned.push({ ...group, move: moveOf(layer, group.have[0]), forecast, lacking: sums, networkBytes });
  }
  const networkBytes = transfer.rangeBytes + transfer.aloneBytes + (planned.some(({ forecast }) => forecast.nodeBytes > 0) ? manifest.wireBytes : 0);
  return outcome({ layer, endpointCount: endpoints.length, groups: planned, together: { ...sumsOf(together), networkBytes, missingCount: transfer.missingCount }, rate });
}

/** In the order in which their first endpoints are listed. Each layer is asked for once. */
async function groupsOf(client: CoreClient, endpoints: readonly ListedEndpoint[], signal: AbortSignal): Promise<Group[]> {
  const layers = new Map<string, PublishedLayer>();
  const groups = new Map<string, Group>();
  for (const { name, have } of endpoints) {
    for (const ref of have) if (!layers.has(ref)) layers.set(ref, await requireLayer(client, ref, signal));
    const held = have.map((ref) => layers.get(ref) as PublishedLayer);
    // Two versions may have the same content, and mean another move.
    const key = held.map((layer) => `${layer.name}@${layer.version}`).join(' ');
    const group = groups.get(key) ?? { names: [], have: held };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function moveOf(layer: PublishedLayer, present: PublishedLayer | undefined): Move {
  if (present === undefined) return 'first copy';
  if (present.root === layer.root) return 'none';
  if (present.name !== layer.name) return 'other layer';
  return present.sequence > layer.sequence ? 'downgrade' : 'update';
}

interface FleetPlan {
  readonly layer: PublishedLayer;
  readonly endpointCount: number;
  readonly groups: readonly PlannedGroup[];
  /** What a site lacks that has none of it: each chunk once, and the manifest. */
  readonly together: Sums & { readonly networkBytes: number; readonly missingCount: number };
  readonly rate: number | undefined;
}

function outcome({ layer, endpointCount, groups, together, rate }: FleetPlan): Outcome {
  const nameOf = ({ name, version }: PublishedLayer): string => `${name}@${version}`;
  const seconds = rate === undefined ? undefined : (8 * together.networkBytes) / rate;
  const json = {
    layer: nameOf(layer), root: formatRoot(layer.root), endpointCount,
    groups: groups.map(({ names, have, move, forecast, lacking, networkBytes }) => ({
      endpoints: names, have: have.map(nameOf), move, changes: forecast.changes,
      files: { writeCount: forecast.fileCount, writeBytes: forecast.fileBytes },
      chunks: { fetchCount: lacking.count, fetchBytes: lacking.bytes },
      manifest: { nodeBytes: forecast.nodeBytes },
      network: { bytes: networkBytes },
      disk: { peakBytes: forecast.roomBytes + forecast.nodeBytes },
    })),
    together: { fetchCount: together.count, fetchBytes: together.bytes, missingCount: together.missingCount, network: { bytes: together.networkBytes } },
    ...(rate === undefined ? {} : { rateBitsPerSecond: rate, seconds }),
  };
  const counted = (move: Move): number => groups.reduce((sum, group) => sum + (group.move === move ? group.names.length : 0), 0);
  const moves = (['update', 'downgrade', 'other layer', 'first copy', 'none'] as const).map((move) => [move, counted(move)] as const).filter(([, count]) => count > 0);
  const text = [
    facts([
      ['layer', json.layer],
      ['endpoints', `${endpointCount}: ${moves.map(([move, count]) => `${count} ${move}`).join(', ')}`],
      ['once for a site', `${together.count} chunks, ${formatBytes(together.bytes)}; ${formatBytes(together.networkBytes)} on the network, or less where the core sends deltas`],
      ...(seconds === undefined ? [] : [['time', formatDuration(seconds * 1000)] as const]),
      ...(together.missingCount === 0 ? [] : [['not at the core', `${together.missingCount} chunks: publish the layer again`] as const]),
    ]),
    '',
    table(['ENDPOINTS', 'HAVE', 'MOVE', 'ADDED', 'UPDATED', 'DOWNGRADED', 'REMOVED', 'METADATA', 'UNSURE', 'TO FETCH', 'NETWORK'], groups.map(({ names, have, move, forecast: { changes }, lacking, networkBytes }) => [
      shownNames(names), have.length === 0 ? '-' : have.map(nameOf).join(', '), move,
      changes.added, changes.updated, changes.downgraded, changes.removed, changes.metadata, changes.unsure, formatBytes(lacking.bytes), formatBytes(networkBytes),
    ])),
  ].join('\n');
  return { json, text };
}

function shownNames(names: readonly string[]): string {
  const more = names.length - PLAN_NAMES_SHOWN_MAX;
  return more <= 0 ? names.join(', ') : `${names.slice(0, PLAN_NAMES_SHOWN_MAX).join(', ')} and ${more} more`;
}
