/** `branchcast layer plan`: what it costs to bring a machine to a layer, before it is done. Reads manifests and asks where chunks are, and fetches none. */
import { Option, type Command } from 'commander';
import { PLAN_BLOCK_BYTES } from '../base/limits/commands.ts';
import { formatBytes, formatDuration, parseBitRate } from '../base/units.ts';
import { formatRoot } from '../chunking/digest.ts';
import { CHANGE_EFFECTS } from '../image/change-counts.ts';
import { FleetForecaster, type EndpointForecast } from '../image/fleet-forecast.ts';
import { Pace } from '../image/pace.ts';
import type { ManifestChunk } from '../manifest/read.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import { transferCost, type TransferCost } from '../wan/transfer-cost.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { CoreManifests, type ManifestCost } from './core-manifest.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import { readEndpoints } from './endpoint-list.ts';
import { planFleet } from './fleet-plan.ts';
import { facts, type Outcome } from './outcome.ts';
import { requireLayer } from './require-layer.ts';

interface PlanOptions extends CoreOptions {
  readonly have: readonly string[];
  readonly endpoints?: string;
  /** Bits a second. */
  readonly rate?: number;
}

interface Plan {
  readonly layer: PublishedLayer;
  readonly have: readonly PublishedLayer[];
  readonly forecast: EndpointForecast;
  readonly neededCount: number;
  /** Of the chunks that are needed: those in what the machine has. */
  readonly seedCount: number;
  readonly seedBytes: number;
  readonly fetchCount: number;
  readonly fetchBytes: number;
  readonly transfer: TransferCost;
  readonly manifest: ManifestCost;
}

export function addPlanCommand(group: Command): void {
  addCommand(group, 'plan', 'say what a pull costs at most, without deltas, before it is done: network, disk, time', [
    'branchcast layer plan base/debian@12.8',
    'branchcast layer plan base/debian@12.8 --have base/debian@12.7 --rate 50mbit',
    'branchcast layer plan base/debian --have base/debian@12.7 --have app/editor@3.1 --json',
    'branchcast layer plan base/debian@12.8 --endpoints branch.txt --rate 50mbit',
  ])
    .argument('<layer>', 'name@version, name or root')
    .option('--have <layer>', 'what the machine has: first the layer that is in the directory, then others whose chunks are at hand; may be repeated', (ref: string, others: string[]) => [...others, ref], [])
    .addOption(new Option('--endpoints <file>', 'plan for each endpoint of a file; - is stdin. A line is its name and what it has: "pc-1 base/debian@12.7"').conflicts('have'))
    .addOption(new Option('--rate <rate>', 'speed of the line, such as 50mbit: says how long it takes').argParser(parseBitRate))
    .addOption(coreOption())
    .action(action(async (invocation, ref: string, options: PlanOptions): Promise<Outcome> => {
      if (options.endpoints === undefined) return outcome(await plan(ref, options, invocation), options.rate);
      const endpoints = await readEndpoints(options.endpoints, invocation.signal);
      return withCore(options, (client) => planFleet(client, ref, endpoints, options.rate, invocation));
    }));
}

async function plan(ref: string, options: PlanOptions, { signal, progress }: Invocation): Promise<Plan> {
  return withCore(options, async (client) => {
    const layer = await requireLayer(client, ref, signal);
    const have: PublishedLayer[] = [];
    for (const held of options.have) have.push(await requireLayer(client, held, signal));
    progress.update('plan: reading manifests');
    const manifests = new CoreManifests(client, signal);
    // A pull names what is in its directory when it asks for the manifest.
    if (have[0] !== undefined) await manifests.open(have[0].root);
    const { manifest: after, cost: manifest } = await manifests.openCounted(layer.root);
    const forecaster = await FleetForecaster.of({ after, open: (root) => manifests.open(root), blockBytes: PLAN_BLOCK_BYTES, pace: new Pace(signal) });
    const forecast = await forecaster.forecast(have.map(({ root }) => root));
    progress.update('plan: looking for chunks');
    const [needed, lacking] = [forecaster.chunksIn(forecast.needed), forecaster.chunksIn(forecast.lacking)];
    const [neededBytes, fetchBytes] = [bytesOf(needed), bytesOf(lacking)];
    return {
      layer, have, forecast, manifest,
      neededCount: needed.length, seedCount: needed.length - lacking.length, seedBytes: neededBytes - fetchBytes, fetchCount: lacking.length, fetchBytes,
      transfer: await transferCost(client, lacking.map(({ digest }) => digest), { signal }),
    };
  });
}

function outcome({ layer, have, forecast, transfer, manifest, ...chunks }: Plan, rate: number | undefined): Outcome {
  const { changes, fileCount, fileBytes, movedCount, roomBytes } = forecast;
  const { missingCount, frameCount, rangeCount, rangeBytes, aloneCount, aloneBytes } = transfer;
  const networkBytes = manifest.wireBytes + rangeBytes + aloneBytes;
  const peakBytes = roomBytes + manifest.nodeBytes;
  const seconds = rate === undefined ? undefined : (8 * networkBytes) / rate;
  const nameOf = ({ name, version }: PublishedLayer): string => `${name}@${version}`;
  const json = {
    layer: nameOf(layer), root: formatRoot(layer.root), have: have.map(nameOf),
    changes,
    files: { writeCount: fileCount, writeBytes: fileBytes, movedCount },
    chunks: { ...chunks, missingCount },
    manifest,
    network: { bytes: networkBytes, frameCount, rangeCount, rangeBytes, aloneCount, aloneBytes },
    disk: { peakBytes },
    ...(rate === undefined ? {} : { rateBitsPerSecond: rate, seconds }),
  };
  const text = facts([
    ['layer', json.layer],
    ['have', have.length === 0 ? 'nothing: a first copy' : json.have.join(', ')],
    ['changes', CHANGE_EFFECTS.map((effect) => `${changes[effect]} ${effect}`).join(', ')],
    ['files to write', `${fileCount}, ${formatBytes(fileBytes)}${movedCount === 0 ? '' : `; ${movedCount} only get another name`}`],
    ['from this disk', `${chunks.seedCount} chunks, ${formatBytes(chunks.seedBytes)}`],
    ['to fetch', `${chunks.fetchCount} chunks, ${formatBytes(chunks.fetchBytes)}`],
    ['  whole frames', `${frameCount} in ${rangeCount} ranges, ${formatBytes(rangeBytes)}`],
    ['  single chunks', `${aloneCount}, about ${formatBytes(aloneBytes)}`],
    ['manifest', `${manifest.nodeCount} nodes, ${formatBytes(manifest.nodeBytes)}; ${formatBytes(manifest.wireBytes)} on the network`],
    ['network', `${formatBytes(networkBytes)}${have.length === 0 ? '' : ', or less where the core sends deltas'}`],
    ['disk at the peak', `${formatBytes(peakBytes)} beside what is there`],
    ...(seconds === undefined ? [] : [['time', formatDuration(seconds * 1000)] as const]),
    ...(missingCount === 0 ? [] : [['not at the core', `${missingCount} chunks: publish the layer again`] as const]),
  ]);
  return { json, text };
}

function bytesOf(chunks: readonly ManifestChunk[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0);
}
