/** How a manifest is refused: the error names the node by its digest, and what is wrong in it. */
import { BranchcastError, type ErrorCode } from '../base/errors.ts';
import type { Digest } from '../chunking/digest.ts';

export function nodeError(code: ErrorCode, node: Digest, what: string): BranchcastError {
  return new BranchcastError(code, `manifest node ${node}: ${what}`, { details: { node } });
}

export function malformed(node: Digest, what: string): BranchcastError {
  return nodeError('BC_MANIFEST_MALFORMED', node, what);
}
