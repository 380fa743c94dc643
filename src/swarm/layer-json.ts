/** A layer record in a message: `{ name, version, root, descriptor }`, roots as CID text, as in the core's API. */
import { LAYER_NAME_CHARS_MAX, LAYER_VERSION_CHARS_MAX } from '../base/limits/manifests.ts';
import { formatRoot, parseRoot } from '../chunking/digest.ts';
import type { LayerRecord } from '../transfer/chunk-source.ts';

export function encodeLayer(layer: LayerRecord): Readonly<Record<string, string>> {
  const { name, version } = layer;
  return { name, version, root: formatRoot(layer.root), descriptor: formatRoot(layer.descriptor) };
}

/** undefined if it is not a layer record. Fields that a newer version may add are left out. */
export function decodeLayer(value: unknown): LayerRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, version, root, descriptor } = value as Readonly<Record<string, unknown>>;
  if (!isText(name, LAYER_NAME_CHARS_MAX) || !isText(version, LAYER_VERSION_CHARS_MAX)) return undefined;
  const rootDigest = typeof root === 'string' ? parseRoot(root) : undefined;
  const descriptorDigest = typeof descriptor === 'string' ? parseRoot(descriptor) : undefined;
  return rootDigest === undefined || descriptorDigest === undefined ? undefined : { name, version, root: rootDigest, descriptor: descriptorDigest };
}

function isText(value: unknown, charsMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= charsMax;
}
