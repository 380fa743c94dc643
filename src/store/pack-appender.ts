/** The one pack that is open for writing. What is appended counts when it is synced; until then it can be taken back. */
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { encodeFooter, footerBytes, PACK_HEADER, type FrameSpan } from './pack-format.ts';

export class PackAppender {
  readonly packId: string;
  readonly #handle: FileHandle;
  readonly #frames: FrameSpan[];
  #bytes: number;

  private constructor(packId: string, handle: FileHandle, frames: FrameSpan[], bytes: number) {
    this.packId = packId;
    this.#handle = handle;
    this.#frames = frames;
    this.#bytes = bytes;
  }

  /** A new pack. The caller makes its directory entry durable. */
  static async create(packId: string, path: string): Promise<PackAppender> {
    const handle = await open(path, 'wx');
    const appender = new PackAppender(packId, handle, [], 0);
    try {
      await appender.#write(PACK_HEADER);
      await appender.sync();
    } catch (error) {
      await handle.close();
      await unlink(path);
      throw error;
    }
    return appender;
  }

  /** A pack that was not sealed, after its torn tail was cut off. */
  static async resume(packId: string, path: string, frames: FrameSpan[], bytes: number): Promise<PackAppender> {
    return new PackAppender(packId, await open(path, 'r+'), frames, bytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get frameCount(): number {
    return this.#frames.length;
  }

  /** Bytes that sealing would add now. */
  get footerBytes(): number {
    return footerBytes(this.#frames.length);
  }

  /** Where the frame stands. Not durable yet. */
  async append(frame: Uint8Array): Promise<number> {
    const offsetBytes = this.#bytes;
    await this.#write(frame);
    this.#frames.push({ offsetBytes, storedBytes: frame.byteLength });
    return offsetBytes;
  }

  /** Makes everything appended so far durable. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  /** Takes back what stands from `bytes` on, the end of an earlier frame. */
  async rollback(bytes: number): Promise<void> {
    while ((this.#frames.at(-1)?.offsetBytes ?? 0) >= bytes) this.#frames.pop();
    this.#bytes = bytes;
    await this.#handle.truncate(bytes);
  }

  /** Writes the footer; the pack never changes again. */
  async seal(): Promise<void> {
    await this.#write(encodeFooter(this.#frames));
    await this.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.byteLength) {
      const { bytesWritten } = await this.#handle.write(bytes, written, bytes.byteLength - written, this.#bytes + written);
      written += bytesWritten;
    }
    this.#bytes += bytes.byteLength;
  }
}
