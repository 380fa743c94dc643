/**
 * Small files share chunks: the entry of one is not complete until its bundle is closed and has a digest. Entries after it
 * wait with it, because a manifest is built in key order.
 */
import { BUNDLE_SPAN_ENTRIES_MAX } from '../base/limits.ts';
import { Bundler } from '../chunking/bundler.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import type { Entry, Metadata, PathKey } from '../manifest/entry.ts';

interface SmallFile {
  readonly key: PathKey;
  readonly metadata: Metadata;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export class BundleQueue {
  readonly #params: ChunkerParams;
  readonly #store: (bytes: Uint8Array) => Digest;
  readonly #add: (entry: Entry) => void;
  readonly #bundle: Uint8Array;
  #bundler: Bundler;
  #bundleBytes = 0;
  #waiting: (Entry | SmallFile)[] = [];

  /** `store` takes a closed bundle's bytes, which it may not keep, and names them; `add` gets complete entries in key order. */
  constructor(params: ChunkerParams, store: (bytes: Uint8Array) => Digest, add: (entry: Entry) => void) {
    this.#params = params;
    this.#store = store;
    this.#add = add;
    this.#bundle = new Uint8Array(params.maxBytes);
    this.#bundler = new Bundler(params);
  }

  addEntry(entry: Entry): void {
    if (this.#waiting.length === 0) this.#add(entry);
    else this.#wait(entry);
  }

  /** A small file's bytes, which are copied, and whether they are a hit (CutKernel.hits). */
  addSmallFile(key: PathKey, metadata: Metadata, bytes: Uint8Array, hit: boolean): void {
    const place = this.#bundler.add(bytes.byteLength, hit);
    if (place.closesBefore) this.#close();
    this.#bundle.set(bytes, place.offsetBytes);
    this.#bundleBytes = place.offsetBytes + bytes.byteLength;
    this.#wait({ key, metadata, offsetBytes: place.offsetBytes, sizeBytes: bytes.byteLength });
    if (place.closesAfter) this.#close();
  }

  /** The end of the tree. */
  finish(): void {
    this.#close();
  }

  #wait(item: Entry | SmallFile): void {
    this.#waiting.push(item);
    if (this.#waiting.length < BUNDLE_SPAN_ENTRIES_MAX) return;
    this.#bundler = new Bundler(this.#params);
    this.#close();
  }

  #close(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    const chunkBytes = this.#bundleBytes;
    const digest = this.#store(this.#bundle.subarray(0, chunkBytes));
    this.#waiting = [];
    this.#bundleBytes = 0;
    for (const item of waiting) {
      if ('type' in item) {
        this.#add(item);
      } else {
        const { key, metadata, offsetBytes, sizeBytes } = item;
        const piece = { digest, chunkBytes, offsetBytes, lengthBytes: sizeBytes };
        this.#add({ type: 'file', key, ...metadata, sizeBytes, content: { pieces: [piece] } });
      }
    }
  }
}
