/** How people name a layer: `base/debian@12.8`, `base/debian` for the newest version, or a root. */
import { Check } from 'typebox/value';
import { BranchcastError } from '../base/errors.ts';
import { parseRoot, type Digest } from '../chunking/digest.ts';
import { LayerName, LayerVersion } from './api-messages.ts';

export type LayerRef = { readonly root: Digest } | { readonly name: string; readonly version: string | undefined };

/** Throws BC_USAGE. A text that is a root is never a name. */
export function parseLayerRef(text: string): LayerRef {
  const root = parseRoot(text);
  if (root !== undefined) return { root };
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const version = at < 0 ? undefined : text.slice(at + 1);
  if (!Check(LayerName, name) || (version !== undefined && !Check(LayerVersion, version))) {
    throw new BranchcastError('BC_USAGE', `"${text.slice(0, 400)}" names no layer: use name@version, a name, or a root; names are parts of letters, digits, ".", "_" and "-" with "/" between them`);
  }
  return { name, version };
}

/** Throws BC_USAGE unless a layer may be published under this name and version. */
export function checkLayerName(name: string, version: string): void {
  const ref = parseLayerRef(`${name}@${version}`);
  if ('root' in ref || parseRoot(name) !== undefined) throw new BranchcastError('BC_USAGE', `"${name}" cannot name a layer: it reads as a root`);
}
