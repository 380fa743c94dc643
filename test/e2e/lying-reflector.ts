/** A reflector that knows every layer and sends wrong bytes for every chunk: manifests are honest, so that endpoints get to the chunks. */
import { silentLog } from '../../src/base/log.ts';
import type { Digest } from '../../src/chunking/digest.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { FrameBuilder } from '../../src/store/frame-builder.ts';
import { serveBlocks } from '../../src/swarm/block-server.ts';
import { loadOrCreateIdentity } from '../../src/swarm/identity.ts';
import { createLanHost } from '../../src/swarm/lan-host.ts';
import { CoreClient } from '../../src/wan/core-client.ts';

const LYING_DIGESTS_PER_FRAME = 16;

export interface LyingReflector {
  readonly peerId: string;
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

export async function startLyingReflector(dir: string, coreUrl: string): Promise<LyingReflector> {
  const client = new CoreClient(coreUrl);
  const host = await createLanHost({ privateKey: await loadOrCreateIdentity(dir), listen: ['/ip4/127.0.0.1/tcp/0'], log: silentLog });
  await serveBlocks(
    host,
    {
      resolveLayer: (ref, signal) => client.resolveLayer(ref, { signal }),
      async *manifestFrames(root, have, signal) {
        const frames = new FrameBuilder();
        for await (const block of client.fetchManifest(root, have, { signal })) {
          const frame = frames.add(block);
          if (frame !== undefined) yield frame;
        }
        const last = frames.finish();
        if (last !== undefined) yield last;
      },
      async *frames(digests: readonly Digest[]) {
        for (let at = 0; at < digests.length; at += LYING_DIGESTS_PER_FRAME) {
          yield encodeFrame(digests.slice(at, at + LYING_DIGESTS_PER_FRAME).map((digest) => ({ digest, bytes: Buffer.from(`not what ${digest} names`) })));
        }
      },
    },
    { log: silentLog },
  );
  return {
    peerId: host.peerId,
    addresses: host.addresses(),
    async close() {
      await host.close();
      await client.close();
    },
  };
}
