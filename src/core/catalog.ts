/**
 * What has been published: layers by name and version, by root, and in the order of commits. A commit is one atomic,
 * synced batch, so a layer is there with all its keys or not at all.
 *
 * Keys: `layer/<sequence>` the record; `ref/<name>@<version>`, `root/<digest>`, `newest/<name>` and `name/<name>@<sequence>` point to it.
 */
import type { Level } from 'level';
import { BranchcastError } from '../base/errors.ts';
import { formatRoot, type Digest } from '../chunking/digest.ts';
import { layerFromJson, layerToJson, type LayerJson, type PublishedLayer } from '../wan/api-messages.ts';
import type { LayerRef } from '../wan/layer-ref.ts';

/** Sequence numbers as keys keep their order: 15 digits hold every safe integer's useful part. */
const SEQUENCE_DIGITS = 15;
const SEQUENCE_KEY = 'sequence';

export class Catalog {
  readonly #db: Level;
  readonly #committed = new Set<number>();
  #cursor = 0;
  /** The last sequence number that was ever given out: numbers are not used again, even if their commit failed. */
  #lastTaken = 0;

  private constructor(db: Level) {
    this.#db = db;
  }

  static async open(db: Level): Promise<Catalog> {
    const catalog = new Catalog(db);
    for await (const key of db.keys({ gt: 'layer/', lt: 'layer/~' })) catalog.#committed.add(Number(key.slice('layer/'.length)));
    for (const sequence of catalog.#committed) catalog.#cursor = Math.max(catalog.#cursor, sequence);
    catalog.#lastTaken = Math.max(catalog.#cursor, Number((await db.get(SEQUENCE_KEY)) ?? 0));
    return catalog;
  }

  /** The sequence number of the last commit; 0 before the first. */
  get cursor(): number {
    return this.#cursor;
  }

  get layerCount(): number {
    return this.#committed.size;
  }

  isCommitted(sequence: number): boolean {
    return this.#committed.has(sequence);
  }

  /** The layer that a reference names now; a name without a version means the version that was committed last. */
  resolve(ref: LayerRef): PublishedLayer | undefined {
    if ('root' in ref) return this.#pointed(`root/${ref.root}`);
    return this.#pointed(ref.version === undefined ? `newest/${ref.name}` : `ref/${ref.name}@${ref.version}`);
  }

  /** Layers committed after `after`, in order; of one name if it is given. */
  async list(after: number, countMax: number, name?: string): Promise<PublishedLayer[]> {
    const from = sequenceKey(after);
    if (name === undefined) {
      const found = await this.#db.values({ gt: `layer/${from}`, lt: 'layer/~', limit: countMax }).all();
      return found.map((json) => readLayer(json));
    }
    const pointers = await this.#db.values({ gt: `name/${name}@${from}`, lt: `name/${name}@~`, limit: countMax }).all();
    return pointers.map((sequence) => this.#layer(sequence)).filter((layer) => layer !== undefined);
  }

  /** The version of each name that was committed last. */
  async newest(): Promise<PublishedLayer[]> {
    const pointers = await this.#db.values({ gt: 'newest/', lt: 'newest/~' }).all();
    return pointers.map((sequence) => this.#layer(sequence)).filter((layer) => layer !== undefined);
  }

  /** A sequence number for the next commit. Durable no later than whatever is written after it. */
  async takeSequence(): Promise<number> {
    this.#lastTaken += 1;
    await this.#db.put(SEQUENCE_KEY, String(this.#lastTaken));
    return this.#lastTaken;
  }

  /** Atomic and durable when it resolves. The caller holds the only commit under way, and has checked that the name is free. */
  async commit(layer: PublishedLayer): Promise<void> {
    const { name, version, root, sequence } = layer;
    if (this.#lastTaken !== sequence) throw new BranchcastError('BC_INTERNAL', `commit ${sequence} is out of turn, ${this.#lastTaken} is due`);
    const key = sequenceKey(sequence);
    const pointers = [`ref/${name}@${version}`, `root/${root}`, `newest/${name}`, `name/${name}@${key}`];
    const batch = [{ type: 'put' as const, key: `layer/${key}`, value: JSON.stringify(layerToJson(layer)) }, ...pointers.map((pointer) => ({ type: 'put' as const, key: pointer, value: key }))];
    await this.#db.batch(batch, { sync: true });
    this.#committed.add(sequence);
    this.#cursor = sequence;
  }

  #pointed(pointer: string): PublishedLayer | undefined {
    const sequence = this.#db.getSync(pointer);
    return sequence === undefined ? undefined : this.#layer(sequence);
  }

  #layer(sequence: string): PublishedLayer | undefined {
    const json = this.#db.getSync(`layer/${sequence}`);
    return json === undefined ? undefined : readLayer(json);
  }
}

/** BC_LAYER_EXISTS if the name and version are taken by something else; the layer if it is the same. */
export function takenBy(catalog: Catalog, wanted: { readonly name: string; readonly version: string; readonly descriptor: Digest }): PublishedLayer | undefined {
  const { name, version, descriptor } = wanted;
  const found = catalog.resolve({ name, version });
  if (found !== undefined && found.descriptor !== descriptor) {
    throw new BranchcastError('BC_LAYER_EXISTS', `${name}@${version} is already published with other content, root ${formatRoot(found.root)}`, { details: { name, version, root: formatRoot(found.root) } });
  }
  return found;
}

function sequenceKey(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, '0');
}

function readLayer(json: string): PublishedLayer {
  const layer = layerFromJson(JSON.parse(json) as LayerJson);
  if (layer === undefined) throw new BranchcastError('BC_STORE_DAMAGED', 'the catalog holds a layer with an id that is none');
  return layer;
}
