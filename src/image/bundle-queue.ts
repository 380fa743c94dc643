/**
 * Small files share chunks: the entry of one is not complete until its bundle is closed and has a digest. Entries after it
 * wait with it, because a manifest is built in key order.
 */
import { hasCode } from '../base/errors.ts';
import { BUNDLE_SPAN_ENTRIES_MAX } from '../base/limits/trees.ts';
import { Bundler } from '../chunking/bundler.ts';
import type { Digest } from '../chunking/digest.ts';
import type { ChunkerParams } from '../chunking/params.ts';
import type { Entry, Metadata, PathKey, Piece } from '../manifest/entry.ts';

export interface SmallFile<Note = unknown> {
  readonly key: PathKey;
  readonly metadata: Metadata;
  readonly sizeBytes: number;
  /** CutKernel.hits of its bytes. */
  readonly hit: boolean;
  /** Where its bytes are in which bundle, if that is known without reading them. */
  readonly known?: Piece;
  /** Fills `into`, which is as large as the file. Called at once, or, of a file whose place is known, when its bundle turns out to be another one. */
  readonly read: (into: Uint8Array) => void;
  /** Of a file whose place is known: what it is now, if `read` throws BC_TREE_CHANGED. Throws unless it has come to rest. */
  readonly again?: () => Item<Note>;
}

/** What a tree has at a key, with what the caller wants back of it. */
export interface Item<Note> {
  readonly item: Entry | SmallFile<Note>;
  readonly note: Note;
}

export interface Bundles {
  /** Takes a closed bundle's bytes, which it may not keep, and names them. */
  readonly store: (bytes: Uint8Array) => Digest;
  /** A bundle that is known to be the same as before, so that nobody read it. */
  readonly reuse: (digest: Digest, bundleBytes: number) => void;
}

interface Placed<Note> {
  readonly file: SmallFile<Note>;
  readonly offsetBytes: number;
}

interface Waiting<Note> {
  readonly item: Entry | Placed<Note>;
  readonly note: Note;
}

/** `Note` is what the caller wants back with each entry. */
export class BundleQueue<Note> {
  readonly #params: ChunkerParams;
  readonly #bundles: Bundles;
  readonly #add: (entry: Entry, note: Note) => void;
  readonly #bundle: Uint8Array;
  #bundler: Bundler;
  #bundleBytes = 0;
  #waiting: Waiting<Note>[] = [];

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

  addSmallFile(file: SmallFile<Note>, note: Note): void {
    const place = this.#bundler.add(file.sizeBytes, file.hit);
    if (place.closesBefore && !this.#close()) {
      this.addSmallFile(file, note);
      return;
    }
    const placed = { file, offsetBytes: place.offsetBytes };
    if (file.known === undefined) this.#read(placed);
    this.#bundleBytes = place.offsetBytes + file.sizeBytes;
    this.#wait(placed, note);
    // Unless it was closed for its span, or placed anew with others, which then closed what ends here.
    if (place.closesAfter && this.#waiting.at(-1)?.item === placed) this.#close();
  }

  /** The end of the tree. */
  finish(): void {
    while (!this.#close());
  }

  #wait(item: Entry | Placed<Note>, note: Note): void {
    this.#waiting.push({ item, note });
    if (this.#waiting.length < BUNDLE_SPAN_ENTRIES_MAX) return;
    this.#bundler = new Bundler(this.#params);
    this.#close();
  }

  #read({ file, offsetBytes }: Placed<Note>): void {
    file.read(this.#bundle.subarray(offsetBytes, offsetBytes + file.sizeBytes));
  }

  /** False if a file has changed since its place was known: then all have been placed anew, and a bundle may still be open. */
  #close(): boolean {
    if (this.#waiting.length === 0) return true;
    const waiting = this.#waiting;
    const chunkBytes = this.#bundleBytes;
    let digest = this.#sameAsBefore();
    if (digest === undefined) {
      for (const one of waiting) {
        const now = this.#readLate(one);
        if (now === undefined) continue;
        this.#placeAgain(one, now);
        return false;
      }
      digest = this.#bundles.store(this.#bundle.subarray(0, chunkBytes));
    } else {
      this.#bundles.reuse(digest, chunkBytes);
    }
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
    return true;
  }

  /** The same files in the same places are the same bundle: its digest. If one is not, all are needed. */
  #sameAsBefore(): Digest | undefined {
    const placed = this.#waiting.flatMap(({ item }) => ('file' in item ? [item] : []));
    const digest = placed[0]?.file.known?.digest;
    const isSame = placed.every(({ file: { known }, offsetBytes }) => known?.digest === digest && known?.chunkBytes === this.#bundleBytes && known.offsetBytes === offsetBytes);
    return isSame ? digest : undefined;
  }

  /** Reads it, if nobody has: what it is now, if that is another. Its turn has long passed, so that nobody else can try again. */
  #readLate({ item }: Waiting<Note>): Item<Note> | undefined {
    if (!('file' in item) || item.file.known === undefined) return undefined;
    try {
      this.#read(item);
      return undefined;
    } catch (error) {
      if (!hasCode(error, 'BC_TREE_CHANGED') || item.file.again === undefined) throw error;
      return item.file.again();
    }
  }

  /** Places what waits again, with `now` in the stead of `changed`: its size and hit have a say in where bundles end. */
  #placeAgain(changed: Waiting<Note>, now: Item<Note>): void {
    const waiting = this.#waiting;
    const bytes = this.#bundle.slice(0, this.#bundleBytes);
    this.#waiting = [];
    this.#bundleBytes = 0;
    this.#bundler = new Bundler(this.#params);
    for (const one of waiting) {
      const { item, note } = one === changed ? now : one;
      if ('type' in item) this.addEntry(item, note);
      else if ('read' in item) this.addSmallFile(item, note);
      else this.addSmallFile(item.file.known === undefined ? fromBundle(item, bytes) : item.file, note);
    }
  }
}

/** A file that was read into a bundle, read again from there. */
function fromBundle<Note>({ file, offsetBytes }: Placed<Note>, bundle: Uint8Array): SmallFile<Note> {
  return { ...file, read: (into) => into.set(bundle.subarray(offsetBytes, offsetBytes + file.sizeBytes)) };
}
