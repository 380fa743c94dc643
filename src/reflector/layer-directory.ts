/**
 * The layers that this site knows of, followed from the core and kept on disk, so that a reflector answers for them while
 * the core cannot be reached.
 */
import { Level } from 'level';
import type { Digest } from '../chunking/digest.ts';
import { parseRoot } from '../chunking/digest.ts';
import type { LayerRecord } from '../transfer/chunk-source.ts';

/** A layer and its place in the order of commits. */
export interface KnownLayer extends LayerRecord {
  readonly sequence: number;
}

const CURSOR_KEY = 'cursor';
const LAYER_PREFIX = 'layer/';

export class LayerDirectory {
  readonly #db: Level;
  readonly #byRef = new Map<string, KnownLayer>();
  readonly #newest = new Map<string, KnownLayer>();
  readonly #byRoot = new Map<Digest, KnownLayer>();
  #cursor = 0;

  private constructor(db: Level) {
    this.#db = db;
  }

  static async open(dir: string): Promise<LayerDirectory> {
    const db = new Level(dir, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await db.open();
    const directory = new LayerDirectory(db);
    for await (const value of db.values({ gt: LAYER_PREFIX, lt: `${LAYER_PREFIX}\uffff` })) directory.#learn(JSON.parse(value) as KnownLayer);
    directory.#cursor = Number((await db.get(CURSOR_KEY)) ?? 0);
    return directory;
  }

  /** The core's commits up to here are known. */
  get cursor(): number {
    return this.#cursor;
  }

  get layers(): readonly KnownLayer[] {
    return [...this.#byRef.values()];
  }

  /** Adds what the core announced, and moves the cursor, in one batch. */
  async add(layers: readonly KnownLayer[], cursor: number): Promise<void> {
    const batch = layers.map((layer) => ({ type: 'put' as const, key: `${LAYER_PREFIX}${refOf(layer)}`, value: JSON.stringify(layer) }));
    await this.#db.batch([...batch, { type: 'put', key: CURSOR_KEY, value: String(cursor) }]);
    for (const layer of layers) this.#learn(layer);
    this.#cursor = cursor;
  }

  /** `name@version`, `name` for the newest, or the text of a root. */
  resolve(ref: string): KnownLayer | undefined {
    const root = parseRoot(ref);
    if (root !== undefined) return this.#byRoot.get(root);
    return ref.includes('@') ? this.#byRef.get(ref) : this.#newest.get(ref);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  #learn(layer: KnownLayer): void {
    this.#byRef.set(refOf(layer), layer);
    this.#byRoot.set(layer.root, layer);
    const newest = this.#newest.get(layer.name);
    if (newest === undefined || newest.sequence <= layer.sequence) this.#newest.set(layer.name, layer);
  }
}

function refOf(layer: LayerRecord): string {
  return `${layer.name}@${layer.version}`;
}
