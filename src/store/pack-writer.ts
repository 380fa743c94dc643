/** Appends frames to the open pack, and seals it and opens the next one when it is full. Called by one at a time. */
import { syncDirectory } from '../base/sync-directory.ts';
import type { EntryChange } from './chunk-index.ts';
import { newPack, type ChunkLedger, type Pack } from './chunk-ledger.ts';
import type { FrameHeader } from './frame-header.ts';
import { PackAppender } from './pack-appender.ts';
import { footerBytes, newPackId, PACK_HEADER } from './pack-format.ts';
import type { VerifiedFrame } from './verify-frames.ts';

/** What a pack costs beside its frames, and a frame beside its bytes. */
const PACK_OVERHEAD_BYTES = PACK_HEADER.byteLength + footerBytes(0);
const FRAME_OVERHEAD_BYTES = footerBytes(1) - footerBytes(0);

export interface PackWriterOptions {
  readonly dir: string;
  readonly pathOf: (packId: string) => string;
  readonly packBytesTarget: number;
  readonly ledger: ChunkLedger;
  readonly listener: PackListener;
}

export interface PackListener {
  /** A frame is in the pack, durable. */
  appended(packId: string, header: FrameHeader): void;
  /** The pack will not grow any more. */
  sealed(pack: Pack): void;
}

export class PackWriter {
  readonly #options: PackWriterOptions;
  #appender: PackAppender | undefined;
  #newestId: string | undefined;
  /** Frames that are not in the index for good could be found: if they are taken back, their place must not be given to others. */
  #exposed = false;

  /** `open`: the pack to go on with. `newestId`: no pack with this or an earlier name is made. */
  constructor(options: PackWriterOptions, open: PackAppender | undefined, newestId: string | undefined) {
    this.#options = options;
    this.#appender = open;
    this.#newestId = newestId;
  }

  /** The pack that grows now; undefined right after one was sealed. */
  get openPackId(): string | undefined {
    return this.#appender?.packId;
  }

  /** An upper bound of what appending these frames adds to the packs on the disk, with headers and footers. */
  bytesFor(frames: readonly { readonly byteLength: number }[]): number {
    let bytes = 0;
    for (const frame of frames) bytes += frame.byteLength + FRAME_OVERHEAD_BYTES;
    return frames.length === 0 ? 0 : bytes + PACK_OVERHEAD_BYTES * (1 + Math.ceil(bytes / this.#options.packBytesTarget));
  }

  /** Durable and in the index when it resolves. On failure all that is not yet durable is taken back; the rest stays, as whole frames. */
  async append(frames: readonly VerifiedFrame[]): Promise<void> {
    let waiting: [VerifiedFrame, number][] = [];
    try {
      for (const frame of frames) {
        if (this.#appender !== undefined && this.#isFull(this.#appender, frame.bytes.byteLength)) {
          await this.#commit(waiting);
          waiting = [];
          await this.seal();
        }
        this.#appender ??= await this.#create();
        waiting.push([frame, await this.#appender.append(frame.bytes)]);
      }
      await this.#commit(waiting);
    } catch (error) {
      await this.#rollback();
      throw error;
    }
  }

  /** Ends the open pack. */
  async seal(): Promise<void> {
    const appender = this.#appender;
    if (appender === undefined) return;
    const pack = this.#pack(appender);
    await appender.seal();
    this.#appender = undefined;
    await appender.close();
    pack.lengthBytes = appender.bytes;
    pack.sealed = true;
    this.#options.listener.sealed(pack);
    await this.#options.ledger.apply([], [pack]);
  }

  async close(): Promise<void> {
    await this.#appender?.close();
    this.#appender = undefined;
  }

  #isFull(appender: PackAppender, frameBytes: number): boolean {
    return appender.frameCount > 0 && appender.bytes + appender.footerBytes + frameBytes + FRAME_OVERHEAD_BYTES > this.#options.packBytesTarget;
  }

  async #create(): Promise<PackAppender> {
    const { dir, pathOf, ledger } = this.#options;
    const packId = newPackId(Date.now(), this.#newestId);
    this.#newestId = packId;
    const appender = await PackAppender.create(packId, pathOf(packId));
    await syncDirectory(dir);
    ledger.packs.set(packId, newPack(packId, appender.bytes));
    return appender;
  }

  /** The only place where frames become part of the store. */
  async #commit(waiting: readonly [VerifiedFrame, number][]): Promise<void> {
    const appender = this.#appender;
    if (appender === undefined || waiting.length === 0) return;
    await appender.sync();
    const { ledger } = this.#options;
    const pack = this.#pack(appender);
    const before = { lengthBytes: pack.lengthBytes, frameCount: pack.frameCount };
    const changes: EntryChange[] = waiting.flatMap(([{ header }, offsetBytes]) =>
      header.chunks.map(({ digest, bytes: chunkBytes }) =>
        ledger.change(digest, { packId: appender.packId, offsetBytes, storedBytes: header.storedBytes, rawBytes: header.rawBytes, chunkBytes })));
    pack.lengthBytes = appender.bytes;
    pack.frameCount = appender.frameCount;
    this.#exposed = true;
    try {
      await ledger.apply(changes, [pack]);
      this.#exposed = false;
    } catch (error) {
      Object.assign(pack, before);
      throw error;
    }
    for (const [{ header }] of waiting) this.#options.listener.appended(appender.packId, header);
  }

  async #rollback(): Promise<void> {
    const appender = this.#appender;
    if (appender === undefined) return;
    // A file that cannot even be cut stays as it is: the next start cuts it.
    const cut = await appender.rollback(this.#pack(appender).lengthBytes).then(() => true, () => false);
    if (cut && !this.#exposed) return;
    this.#exposed = false;
    this.#appender = undefined;
    await appender.close().catch(() => undefined);
    this.#options.listener.sealed(this.#pack(appender));
  }

  #pack(appender: PackAppender): Pack {
    return this.#options.ledger.packs.get(appender.packId) as Pack;
  }
}
