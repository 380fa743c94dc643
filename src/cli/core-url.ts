/** The core that a command talks to: --core, or BRANCHCAST_CORE_URL, or this machine. */
import { Option } from 'commander';
import type { CoreClient } from '../wan/core-client.ts';

export const DEFAULT_CORE_URL = 'http://127.0.0.1:7400';

export interface CoreOptions {
  readonly core: string;
}

export function coreOption(): Option {
  return new Option('--core <url>', 'address of the core').env('BRANCHCAST_CORE_URL').default(DEFAULT_CORE_URL);
}

/** Calls `use` with a client of the core and closes it afterwards. */
export async function withCore<T>(options: CoreOptions, use: (client: CoreClient) => Promise<T>): Promise<T> {
  // Loaded only now: an HTTP client takes as long to load as everything before it.
  const { CoreClient } = await import('../wan/core-client.ts');
  const client = new CoreClient(options.core);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
