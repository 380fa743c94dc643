import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ChunkStore } from '../../src/store/chunk-store.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { chunkStoreConformance } from './chunk-store.ts';

const dirs = new Map<ChunkStore, string>();
const packs = (store: ChunkStore): string => join(dirs.get(store) as string, 'packs');
const root = t.testdir();
let made = 0;

await chunkStoreConformance(t, {
  name: 'pack',
  open: async (t, options) => {
    made += 1;
    const dir = join(root, String(made));
    const store = await openPackChunkStore({ dir, ...options });
    dirs.set(store, dir);
    t.teardown(() => store.close());
    return store;
  },
  flip: async (store, location, atBytes) => {
    const path = join(packs(store), `${location.packId}.pack`);
    const bytes = readFileSync(path);
    bytes[location.offsetBytes + atBytes]! ^= 1;
    writeFileSync(path, bytes);
  },
  usedBytes: (store) => readdirSync(packs(store)).reduce((sum, name) => sum + (statSync(join(packs(store), name), { throwIfNoEntry: false })?.size ?? 0), 0),
});
