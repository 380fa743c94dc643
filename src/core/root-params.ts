/** Roots as callers write them in addresses. Throws BC_USAGE for text that is none. */
import { BranchcastError } from '../base/errors.ts';
import { formatRoot, parseRoot, type Digest } from '../chunking/digest.ts';

export function rootOf(text: string): Digest {
  const root = parseRoot(text);
  if (root === undefined) throw new BranchcastError('BC_USAGE', `"${text.slice(0, 100)}" is not the id of a manifest; such as ${formatRoot('0'.repeat(64) as Digest)} is one`);
  return root;
}

/** Each once; `text` has commas between them. */
export function rootsOf(text: string): Digest[] {
  return [...new Set(text.split(',').filter((part) => part !== '').map(rootOf))];
}
