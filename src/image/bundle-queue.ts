/**
 * Small files share chunks: the entry of one is not complete until its bundle is closed and has a digest. Entries after it
 * wait with it, because a manifest is built in key order.
 */
import { BUNDLE_SPAN_ENTRIES_MAX } from '../base/limits.ts';
import { Bundler } from '../chunking/bundler.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import type { Entry, Metadata, PathKey, Piece } from '../manifest/entry.ts';

export interface SmallFile {
  readonly key: PathKey;
  readonly metadata: Metadata;
  readonly sizeBytes: number;
  /** CutKernel.hits of its bytes. */
  readonly hit: boolean;
  /** Where its bytes are in which bundle, if that is known without reading them. */
  readonly known?: Piece;
  /** Fills `into`, which is as large as the file. Called at once, or, of a file whose place is known, when its bundle turns out to be another one. */
  readonly read: (into: Uint8Array) => void;
}

export interface Bundles {
  /** Takes a closed bundle's bytes, which it may not keep, and names them. */
  readonly store: (bytes: Uint8Array) => Digest;
  /** A bundle that is known to be the same as before, so that nobody read it. */
  readonly reuse: (digest: Digest, bundleBytes: number) => void;
}

interface Placed {
  readonly file: SmallFile;
  readonly offsetBytes: number;
}

/** `Note` is what the caller wants back with each entry. */
export class BundleQueue<Note> {
  readonly #params: ChunkerParams;
  readonly #bundles: Bundles;
  readonly #add: (entry: Entry, note: Note) => void;
  readonly #bundle: Uint8Array;
  #bundler: Bundler;
  #bundleBytes = 0;
  #waiting: { readonly item: Entry | Placed; readonly note: Note }[] = [];

  /** `add` gets complete entries in key order. */
  constructor(params: ChunkerParams, bundles: Bundles, add: (entry: Entry, note: Note) => void) {
    this.#params = params;
    this.#bundles = bundles;
    this.#add = add;
    this.#bundle = new Uint8Array(params.maxBytes);
    this.#bundler = new Bundler(params);
  }

  addEntry(entry: Entry, note: Note): void {
    if (this.#waiting.length === 0) this.#add(entry, note);
    else this.#wait(entry, note);
  }

  addSmallFile(file: SmallFile, note: Note): void {
    const place = this.#bundler.add(file.sizeBytes, file.hit);
    if (place.closesBefore) this.#close();
    const placed = { file, offsetBytes: place.offsetBytes };
    if (file.known === undefined) this.#read(placed);
    this.#bundleBytes = place.offsetBytes + file.sizeBytes;
    this.#wait(placed, note);
    if (place.closesAfter) this.#close();
  }

  /** The end of the tree. */
  finish(): void {
    this.#close();
  }

  #wait(item: Entry | Placed, note: Note): void {
    this.#waiting.push({ item, note });
    if (this.#waiting.length < BUNDLE_SPAN_ENTRIES_MAX) return;
    this.#bundler = new Bundler(this.#params);
    this.#close();
  }

  #read({ file, offsetBytes }: Placed): void {
    file.read(this.#bundle.subarray(offsetBytes, offsetBytes + file.sizeBytes));
  }

  #close(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    const chunkBytes = this.#bundleBytes;
    const digest = this.#name(waiting.flatMap(({ item }) => ('file' in item ? [item] : [])), chunkBytes);
    this.#waiting = [];
    this.#bundleBytes = 0;
    for (const { item, note } of waiting) {
      if ('file' in item) {
        const { key, metadata, sizeBytes } = item.file;
        const piece = { digest, chunkBytes, offsetBytes: item.offsetBytes, lengthBytes: sizeBytes };
        this.#add({ type: 'file', key, ...metadata, sizeBytes, content: { pieces: [piece] } }, note);
      } else {
        this.#add(item, note);
      }
    }
  }

  /** The same files in the same places are the same bundle. If one is not, all are needed. */
  #name(placed: readonly Placed[], bundleBytes: number): Digest {
    const digest = placed[0]?.file.known?.digest;
    const isSame = placed.every(({ file: { known }, offsetBytes }) => known?.digest === digest && known?.chunkBytes === bundleBytes && known.offsetBytes === offsetBytes);
    if (digest !== undefined && isSame) {
      this.#bundles.reuse(digest, bundleBytes);
      return digest;
    }
    for (const one of placed) if (one.file.known !== undefined) this.#read(one);
    return this.#bundles.store(this.#bundle.subarray(0, bundleBytes));
  }
}
