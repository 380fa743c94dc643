import t from 'tap';
import { MemoryChunkStore } from '../../src/store/memory-chunk-store.ts';
import { chunkStoreConformance } from './chunk-store.ts';

await chunkStoreConformance(t, {
  name: 'memory',
  open: async (_, options) => new MemoryChunkStore(options),
  // Frames are given out as they are kept.
  flip: async (store, location, atBytes) => {
    const frame = (await store.readFrame(location)) as Uint8Array;
    frame[atBytes]! ^= 1;
  },
  usedBytes: (store) => store.stats().storedBytes,
});
