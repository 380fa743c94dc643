/** The manifest of a directory, its nodes kept in memory, its chunks thrown away. */
import type { Digest } from '../../src/chunking/digest.ts';
import { captureTree, type Capture } from '../../src/image/capture.ts';

export async function captureNodes(tree: string, blocks: Map<Digest, Uint8Array>): Promise<Capture> {
  const captured = captureTree(tree);
  for (;;) {
    const step = await captured.next();
    if (step.done === true) return step.value;
    if (step.value.kind === 'node') blocks.set(step.value.digest, step.value.bytes);
  }
}
