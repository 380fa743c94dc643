import { BranchcastError } from '../base/errors.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import type { CoreClient } from '../wan/core-client.ts';

/** The layer that a person named. Throws BC_LAYER_NOT_FOUND. */
export async function requireLayer(client: CoreClient, ref: string, signal: AbortSignal): Promise<PublishedLayer> {
  const layer = await client.resolveLayer(ref, { signal });
  if (layer === undefined) throw new BranchcastError('BC_LAYER_NOT_FOUND', `${client.name} has no layer ${ref}`, { details: { ref } });
  return layer;
}
