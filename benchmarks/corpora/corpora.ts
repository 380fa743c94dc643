/** The inputs of a benchmark: at the full size trees that scripts/corpora built, at the small size generated ones of the same shape. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { MiB } from '../../src/base/units.ts';
import type { Size } from '../runner/benchmark.ts';
import { builtTree } from './build-corpus.ts';
import { corporaDir } from './corpora-dir.ts';
import type { CorpusName } from './definitions.ts';
import { generatedTree, randomTree, SMALL_SHAPES, writeTree } from './generate.ts';

/** Directories that nothing may change. */
export interface Versions {
  readonly v1: string;
  readonly v2: string;
}

const SEED = 1;
const SMALL_RANDOM_BYTES = 8 * MiB;

export class Corpora {
  readonly #size: Size;
  readonly #dir: string;

  /** Generated trees go below `dir`, where the next benchmark of the same run finds them. */
  constructor(size: Size, dir: string) {
    this.#size = size;
    this.#dir = dir;
  }

  /** Throws if the corpus was not built; says how to. */
  versions(name: CorpusName): Versions {
    return { v1: this.#tree(name, 1), v2: this.#tree(name, 2) };
  }

  /** `app`, and the same after an update of two packages. */
  light(): Versions {
    if (this.#size === 'small') return this.versions('branch');
    return { v1: this.#built('app', 'v1'), v2: this.#built('app', 'light') };
  }

  #tree(name: CorpusName, version: 1 | 2): string {
    if (this.#size === 'full') return this.#built(name, `v${version}`);
    const tree = join(this.#dir, name, `v${version}`);
    if (existsSync(tree)) return tree;
    // A benchmark that is stopped on the way leaves no half of a tree to the next one.
    writeTree(`${tree}.part`, name === 'random' ? randomTree(SMALL_RANDOM_BYTES, version) : generatedTree(SMALL_SHAPES[name], SEED, version));
    renameSync(`${tree}.part`, tree);
    return tree;
  }

  #built(name: CorpusName, version: string): string {
    const dir = corporaDir();
    const tree = join(dir, name, version);
    if (builtTree(dir, name, version) === undefined) throw new Error(`the corpus ${name} is not built: run scripts/corpora ${name}`);
    return tree;
  }
}
