/** A whole branch of real processes: one core, one reflector, N agents; on loopback, or each in its place of a netlab. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MiB } from '../../src/base/units.ts';
import { argv, BRANCHCAST, Daemon } from './daemon.ts';
import type { Netlab } from './netlab.ts';

const PUBLISH_OUTPUT_BYTES_MAX = 16 * MiB;

export interface BranchOptions {
  readonly dir: string;
  /** Undefined: everything on loopback. */
  readonly lab?: Netlab;
  readonly config?: {
    readonly core?: Readonly<Record<string, unknown>>;
    readonly reflector?: Readonly<Record<string, unknown>>;
    readonly agent?: Readonly<Record<string, unknown>>;
  };
}

/** What `layer publish --json` says. */
export interface Published {
  readonly root: string;
  readonly fileCount: number;
  readonly logicalBytes: number;
  readonly chunkCount: number;
  readonly chunkBytes: number;
  readonly storedBytes: number;
  readonly newStoredBytes: number;
  readonly newStoredChunkBytes: number;
  readonly [key: string]: unknown;
}

export class Branch {
  readonly options: BranchOptions;
  readonly core: Daemon;
  readonly agents: Daemon[] = [];
  #reflector: Daemon | undefined;

  private constructor(options: BranchOptions, core: Daemon) {
    this.options = options;
    this.core = core;
  }

  static async start(options: BranchOptions): Promise<Branch> {
    const { dir, lab, config } = options;
    const core = await Daemon.start({
      role: 'core',
      name: 'core',
      dir,
      config: { dataDir: 'core-data', listen: lab === undefined ? '127.0.0.1:0' : '10.9.0.1:7400', repack: 'off', ...config?.core },
      ...(lab === undefined ? {} : { prefix: lab.at('core') }),
    });
    return new Branch(options, core);
  }

  get coreUrl(): string {
    return this.core.ready.api;
  }

  get reflector(): Daemon {
    if (this.#reflector === undefined) throw new Error('the reflector was not started');
    return this.#reflector;
  }

  /** Starts it, or starts it again with what it had. */
  async startReflector(changes: Readonly<Record<string, unknown>> = {}): Promise<Daemon> {
    const { dir, lab, config } = this.options;
    // A restarted reflector is where its endpoints look for it.
    const lanListen = this.#reflector?.ready.lan ?? [lab === undefined ? '/ip4/127.0.0.1/tcp/0' : '/ip4/10.10.0.1/tcp/7410'];
    this.#reflector = await Daemon.start({
      role: 'reflector',
      name: 'reflector',
      dir,
      config: {
        dataDir: 'reflector-data',
        site: 'branch',
        coreUrl: this.coreUrl,
        apiListen: '127.0.0.1:0',
        lanListen: lanListen.map((address) => address.replace(/\/p2p\/.*$/, '')),
        reportIntervalMs: '1 s',
        ...config?.reflector,
        ...changes,
      },
      ...(lab === undefined ? {} : { prefix: lab.at('branch') }),
    });
    return this.#reflector;
  }

  /** Endpoint `number` (1…), following `layer` into `target(number)`. */
  async startAgent(number: number, layer: string, changes: Readonly<Record<string, unknown>> = {}): Promise<Daemon> {
    const { dir, lab, config } = this.options;
    const agent = await Daemon.start({
      role: 'agent',
      name: `agent${number}`,
      dir,
      config: {
        dataDir: `agent${number}-data`,
        site: 'branch',
        reflectors: this.#reflector?.ready.lan ?? [],
        coreUrl: this.coreUrl,
        assignments: [{ layer, target: this.target(number) }],
        pollIntervalMs: '500 ms',
        reportIntervalMs: '5 s',
        apiListen: '127.0.0.1:0',
        ...config?.agent,
        ...changes,
      },
      ...(lab === undefined ? {} : { prefix: lab.at(`ep${number}`) }),
    });
    this.agents[number - 1] = agent;
    return agent;
  }

  target(number: number): string {
    return join(this.options.dir, `endpoint${number}`, 'tree');
  }

  async publish(tree: string, name: string, version: string, signal?: AbortSignal): Promise<Published> {
    const { lab } = this.options;
    const [command, ...args] = argv(...(lab?.at('core') ?? []), BRANCHCAST, 'layer', 'publish', tree, '--name', name, '--version', version, '--core', this.coreUrl, '--no-cache', '--json');
    const { stdout } = await promisify(execFile)(command, args, { maxBuffer: PUBLISH_OUTPUT_BYTES_MAX, ...(signal === undefined ? {} : { signal }) });
    return JSON.parse(stdout) as Published;
  }

  /** Everything that runs, ended. */
  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await this.#reflector?.stop();
    await this.core.stop();
  }
}
