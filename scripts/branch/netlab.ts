/** The branch network of scripts/netlab, for scripts and tests. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, '..', 'netlab');

export interface WanBytes {
  /** Core to branch, as the branch's interface counts them: with Ethernet, IP and TCP headers. */
  readonly downBytes: number;
  readonly upBytes: number;
  readonly dropped: number;
}

export class Netlab {
  readonly #prefix: string;

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Why namespaces cannot be made here; undefined if they can. */
  static obstacle(): string | undefined {
    if (process.getuid?.() !== 0) return 'network namespaces need root';
    for (const tool of ['ip', 'tc', 'ethtool']) {
      try {
        execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` } });
      } catch {
        return `${tool} is not installed (Debian: apt-get install iproute2 ethtool)`;
      }
    }
    try {
      execFileSync('ip', ['netns', 'add', 'bc-probe'], { stdio: 'ignore' });
      execFileSync('ip', ['netns', 'del', 'bc-probe'], { stdio: 'ignore' });
    } catch {
      return 'this kernel or sandbox does not let us make network namespaces';
    }
    return undefined;
  }

  /** `rate` as tc(8) writes it: `50mbit`. */
  static up(endpointCount: number, rate: string): Netlab {
    const lab = new Netlab(`bc${process.pid}`);
    lab.#script('up', String(endpointCount), rate);
    return lab;
  }

  /** Put before a command, it runs at `core`, `branch` or `ep1`…. */
  at(node: string): string[] {
    return ['ip', 'netns', 'exec', `${this.#prefix}-${node}`];
  }

  wanBytes(): WanBytes {
    return JSON.parse(this.#script('bytes')) as WanBytes;
  }

  down(): void {
    this.#script('down');
  }

  #script(...args: string[]): string {
    return execFileSync(SCRIPT, args, { encoding: 'utf8', env: { ...process.env, NETLAB_PREFIX: this.#prefix } });
  }
}
