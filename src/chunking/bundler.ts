/**
 * Which small files share a chunk (docs/formats.md, "Bundles"). The files decide by their own bytes where a bundle ends, as
 * cut points do in a large file: so an edit changes its bundle, and at worst the neighbours up to the next hit.
 */
import type { ChunkerParams } from './params.ts';

export interface BundlePlace {
  /** The open bundle ends before this file, which opens the next one. Never true while no bundle is open. */
  readonly closesBefore: boolean;
  /** Where the file's bytes stand in its bundle. */
  readonly offsetBytes: number;
  /** The bundle ends after this file. */
  readonly closesAfter: boolean;
}

/**
 * Takes the small files of a tree, and only those (1 to smallFileBytesMax bytes), once each, in key order. A bundle that is
 * open after the last of them ends there. The answers depend on the files' sizes and hits alone.
 */
export class Bundler {
  readonly #minBytes: number;
  readonly #maxBytes: number;
  #openBytes = 0;

  constructor(params: Pick<ChunkerParams, 'minBytes' | 'maxBytes'>) {
    this.#minBytes = params.minBytes;
    this.#maxBytes = params.maxBytes;
  }

  /** `hit` is what CutKernel.hits says of the file's bytes. */
  add(fileBytes: number, hit: boolean): BundlePlace {
    const closesBefore = this.#openBytes > 0 && this.#openBytes + fileBytes > this.#maxBytes;
    const offsetBytes = closesBefore ? 0 : this.#openBytes;
    const bundleBytes = offsetBytes + fileBytes;
    const closesAfter = hit && bundleBytes >= this.#minBytes;
    this.#openBytes = closesAfter ? 0 : bundleBytes;
    return { closesBefore, offsetBytes, closesAfter };
  }
}
