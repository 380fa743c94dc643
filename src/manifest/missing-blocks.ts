/**
 * What must be sent to somebody who holds older manifests: both trees are walked side by side, and a subtree that a have shares is
 * neither sent nor read. Of a have its root and interior nodes are read, and leaves where a changed one has a chunk list.
 */
import { BranchcastError, type ErrorCode } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';
import { chunkListLeaves } from './chunk-list-walk.ts';
import type { ManifestBlock, PathKey } from './entry.ts';
import { compareKeys } from './key.ts';
import type { Leaf } from './leaf.ts';
import type { TreeNode } from './node.ts';
import { treeChild, type TreeRef } from './node-reader.ts';
import type { Manifest } from './read.ts';

const UNREADABLE: ReadonlySet<ErrorCode> = new Set(['BC_MANIFEST_INCOMPLETE', 'BC_MANIFEST_MALFORMED', 'BC_MANIFEST_UNSAFE', 'BC_FORMAT_VERSION', 'BC_CHUNK_CORRUPT']);

/** A have's nodes beside one node of `after`, from the same level downwards: what it may share lies in them. */
interface Beside {
  readonly manifest: Manifest;
  readonly refs: readonly TreeRef[];
}

interface Step {
  readonly ref: TreeRef;
  readonly besides: readonly Beside[];
}

/**
 * Blocks of `after` that all of `haves` lack, parents first, each once. A have that is incomplete or no manifest here is left out
 * from where that shows. For nodes of the tree the answer is exact, but that the root of `after` is named unless it is that of a have. A chunk list that a have holds under another path only, in leaves
 * that were not read, is named as well: good for sending, not for deleting (see unshared-blocks.ts).
 */
export async function* missingBlocks(after: Manifest, haves: readonly Manifest[]): AsyncGenerator<ManifestBlock> {
  const listNodes = new Map<Digest, number>();
  const whole: TreeRef = { digest: after.root, claim: undefined };
  if (haves.some(({ root }) => root === after.root)) return;
  const stack: Step[] = [{ ref: whole, besides: haves.map((manifest) => ({ manifest, refs: [{ digest: manifest.root, claim: undefined }] })) }];
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const { node, bytes } = await after.nodes.tree(step.ref);
    yield { digest: step.ref.digest, bytes };
    // As most leaves: it names no other nodes, of which a have could hold some.
    if (node.kind === 'leaf' && !node.hasLists) continue;
    const besides: Beside[] = [];
    for (const beside of step.besides) {
      const refs = await unlessUnreadable(() => openTo(beside, node.level, step.ref.claim?.after, lastKeyOf(node)));
      if (refs !== undefined) besides.push({ manifest: beside.manifest, refs });
    }
    if (node.kind === 'leaf') {
      for (const beside of besides) await unlessUnreadable(() => noteLists(node, beside, listNodes));
      yield* after.listBlocks(node, listNodes);
      continue;
    }
    const shared = new Set(besides.flatMap(({ refs }) => refs.map(({ digest }) => digest)));
    for (let index = node.childCount - 1; index >= 0; index -= 1) {
      const ref = treeChild(node, index, step.ref.claim?.after);
      if (!shared.has(ref.digest)) stack.push({ ref, besides });
    }
  }
}

/**
 * What a have holds in the range (after, last], as far as it may equal a node below `level`: refs of that level or deeper. For a
 * leaf (level 0) the leaves themselves.
 */
async function openTo(beside: Beside, level: number, after: PathKey | undefined, last: PathKey): Promise<TreeRef[]> {
  const refs: TreeRef[] = [];
  const stack = [...beside.refs].reverse();
  for (let ref = stack.pop(); ref !== undefined; ref = stack.pop()) {
    if (!overlaps(ref, after, last)) continue;
    // A root's level is known once it is read; that of others from their claim.
    if (ref.claim !== undefined && ref.claim.level < Math.max(level, 1)) {
      refs.push(ref);
      continue;
    }
    const { node } = await beside.manifest.nodes.tree(ref);
    if (node.kind === 'leaf') refs.push(ref);
    else if (node.level < level) refs.push(ref);
    else for (let index = node.childCount - 1; index >= 0; index -= 1) stack.push(treeChild(node, index, ref.claim?.after));
  }
  return refs;
}

function overlaps({ claim }: TreeRef, after: PathKey | undefined, last: PathKey): boolean {
  if (claim === undefined) return true;
  if (after !== undefined && compareKeys(claim.lastKey, after) <= 0) return false;
  return claim.after === undefined || compareKeys(claim.after, last) < 0;
}

/** Notes the nodes of the chunk lists that a have's leaves hold for files whose list differs in `leaf`. */
async function noteLists(leaf: Leaf, { manifest, refs }: Beside, listNodes: Map<Digest, number>): Promise<void> {
  for (let index = 0; index < leaf.entryCount; index += 1) {
    if (leaf.listAt(index) === undefined) continue;
    const ref = refs.find(({ claim }) => claim === undefined || compareKeys(leaf.keys.at(index), claim.lastKey) <= 0);
    if (ref === undefined) return;
    const { node } = await manifest.nodes.tree(ref);
    if (node.kind !== 'leaf') continue;
    const at = node.keys.firstFrom(leaf.keys.at(index));
    const list = at < node.keys.length && node.keys.compare(at, leaf.keys, index) === 0 ? node.listAt(at) : undefined;
    if (list === undefined) continue;
    if (list === leaf.listAt(index) && node.contentBytes(at) === leaf.contentBytes(index)) listNodes.set(list, node.contentBytes(at));
    else for await (const _ of chunkListLeaves(manifest.nodes, list, { wantedBytes: node.contentBytes(at), seen: listNodes }));
  }
}

function lastKeyOf(node: TreeNode): PathKey {
  return node.keys.at(node.keys.length - 1);
}

/** Undefined if the have cannot be read: somebody named a root that is not whole here, or that is no manifest. */
async function unlessUnreadable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof BranchcastError && UNREADABLE.has(error.code)) return undefined;
    throw error;
  }
}
