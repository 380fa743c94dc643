/** A core as a daemon of its own, and what a publish costs it and its publisher. */
import { join } from 'node:path';
import { BRANCHCAST, Daemon } from '../../scripts/branch/daemon.ts';
import { storedBytes } from '../peers/stored-bytes.ts';
import type { BenchContext, Sample } from '../runner/benchmark.ts';
import { ProcessUsage } from '../runner/usage.ts';

/** What `layer publish --json` says, as far as benchmarks want it. */
export interface Published {
  readonly fileCount: number;
  readonly storedBytes: number;
  readonly newStoredBytes: number;
  readonly uploadedBytes: number;
}

export class CoreUnderTest {
  readonly #context: BenchContext;
  readonly #daemon: Daemon;

  private constructor(context: BenchContext, daemon: Daemon) {
    this.#context = context;
    this.#daemon = daemon;
  }

  /** Starts on what `dir` holds, which is made: an empty store, or what it had before. */
  static async start(context: BenchContext, dir: string): Promise<CoreUnderTest> {
    return new CoreUnderTest(context, await Daemon.start({ role: 'core', name: 'core', dir, config: { dataDir: 'core-data', listen: '127.0.0.1:0', repack: 'off' } }));
  }

  /** Starts one for `work`, and stops it after. */
  static async during<Result>(context: BenchContext, dir: string, work: (core: CoreUnderTest) => Promise<Result>): Promise<Result> {
    const core = await CoreUnderTest.start(context, dir);
    try {
      return await work(core);
    } finally {
      await core.stop();
    }
  }

  get url(): string {
    return this.#daemon.ready.api;
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  /** CPU seconds are those of publisher and core together; peak memory of either. */
  async publish(tree: string, version: string): Promise<{ readonly sample: Sample; readonly published: Published }> {
    const usage = new ProcessUsage(this.#daemon.pid);
    // What the publisher remembers of a tree is this store's alone: the first publish of a round must not know the tree from the round before.
    const cacheDir = join(this.#daemon.spec.dir, 'publisher-cache');
    const { sample, stdout } = await this.command('layer', 'publish', tree, '--name', 'bench/tree', '--version', version, '--core', this.url, '--cache-dir', cacheDir);
    const { cpuSeconds: coreCpuSeconds = 0, peakRssBytes: corePeakRssBytes = 0 } = usage.sample();
    return {
      sample: { ...sample, cpuSeconds: (sample['cpuSeconds'] ?? Number.NaN) + coreCpuSeconds, corePeakRssBytes },
      published: JSON.parse(stdout) as Published,
    };
  }

  /** Any command of the CLI, with --json. */
  command(...args: string[]): Promise<{ readonly sample: Sample; readonly stdout: string }> {
    return this.#context.child(BRANCHCAST, [...args, '--json']);
  }

  /** Body bytes of chunks, deltas and manifests that it has sent since its start. */
  async sentBytes(): Promise<number> {
    const { wan } = (await (await fetch(`${this.url}/v1/stats`)).json()) as { readonly wan: { readonly chunkBytes: number; readonly manifestBytes: number } };
    return wan.chunkBytes + wan.manifestBytes;
  }

  /** Of packs, index and catalog. */
  storedBytes(): number {
    return storedBytes(join(this.#daemon.spec.dir, 'core-data'));
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}
