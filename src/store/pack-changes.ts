/** Whatever changes packs or index, one change at a time, and with room on the disk for it. */
import { PUT_GROUP_BYTES_MAX } from '../base/limits/store.ts';
import type { Digest } from '../chunking/digest.ts';
import type { FrameLocation, PutResult, ScrubOptions, ScrubReport } from './chunk-store.ts';
import type { DiskRoom } from './disk-room.ts';
import { Exclusive } from './exclusive.ts';
import { GroupCommit } from './group-commit.ts';
import type { PackEvictor } from './pack-evictor.ts';
import { PackReclaimer, type ReclaimParts } from './pack-reclaim.ts';
import { dropFrame } from './pack-repair.ts';
import { scrubPacks } from './pack-scrub.ts';
import { planPut, type PutPlan } from './put-plan.ts';
import { verifyFrames, type VerifiedFrame } from './verify-frames.ts';

export interface PackChangesParts extends ReclaimParts {
  readonly room: DiskRoom;
  readonly evictor: PackEvictor | undefined;
}

export class PackChanges {
  readonly #parts: PackChangesParts;
  readonly #exclusive = new Exclusive();
  readonly #puts: GroupCommit<readonly VerifiedFrame[], PutResult>;
  readonly #reclaimer: PackReclaimer;

  constructor(parts: PackChangesParts) {
    this.#parts = parts;
    this.#reclaimer = new PackReclaimer(parts);
    this.#puts = new GroupCommit(this.#exclusive, {
      commit: (jobs) => this.#commit(jobs),
      weightOf: (frames) => frames.reduce((sum, frame) => sum + frame.bytes.byteLength, 0),
      weightMax: PUT_GROUP_BYTES_MAX,
    });
  }

  async put(frames: readonly Uint8Array[]): Promise<PutResult> {
    return this.#puts.submit(await verifyFrames(frames));
  }

  /** Answers the bytes written. */
  async restore(frames: readonly Uint8Array[]): Promise<number> {
    const { writer } = this.#parts;
    const verified = await verifyFrames(frames);
    await this.#exclusive.run(() => this.#withRoom(writer.bytesFor(frames), () => writer.append(verified)));
    return frames.reduce((sum, frame) => sum + frame.byteLength, 0);
  }

  /** Answers the bytes by which the store shrank. */
  async reclaim(signal?: AbortSignal): Promise<number> {
    const { writer } = this.#parts;
    let freeBytes = 0;
    for await (const pack of this.#reclaimer.worn()) {
      if (signal?.aborted === true) break;
      freeBytes += await this.#exclusive.run(() => this.#withRoom(writer.bytesFor([{ byteLength: pack.lengthBytes }]), () => this.#reclaimer.reclaim(pack)));
    }
    return freeBytes;
  }

  /** A frame that has rotted. Answers the chunks that were found there. */
  drop(location: FrameLocation): Promise<Digest[]> {
    return this.#exclusive.run(() => dropFrame(this.#parts.ledger, this.#parts.handles, location));
  }

  scrub(options: ScrubOptions): Promise<ScrubReport> {
    return scrubPacks({ ...this.#parts, exclusive: this.#exclusive }, options);
  }

  /** When every change that was asked for is made. */
  async idle(): Promise<void> {
    await this.#exclusive.idle();
  }

  /** Puts of one group, planned together: what one stores the next does not store again. */
  async #commit(jobs: readonly (readonly VerifiedFrame[])[]): Promise<PutResult[]> {
    const { writer, evictor } = this.#parts;
    for (;;) {
      const plans = this.#plan(jobs);
      const frames = plans.flatMap((plan) => plan.frames);
      const neededBytes = writer.bytesFor(frames.map((frame) => frame.bytes));
      // What had to go may be what a frame had in common with the store: plan again.
      if (evictor !== undefined && (await this.#explained(neededBytes, () => evictor.makeRoom(neededBytes, writer)))) continue;
      await this.#withRoom(neededBytes, () => writer.append(frames));
      return plans.map((plan) => plan.result);
    }
  }

  #plan(jobs: readonly (readonly VerifiedFrame[])[]): PutPlan[] {
    const staged = new Set<Digest>();
    return jobs.map((frames) => {
      const plan = planPut(frames, (digest) => staged.has(digest) || this.#parts.ledger.find(digest) !== undefined);
      for (const frame of plan.frames) for (const chunk of frame.header.chunks) staged.add(chunk.digest);
      return plan;
    });
  }

  /** A change that writes so many bytes at most: refused before it begins if the disk has no room for them. */
  #withRoom<T>(bytes: number, change: () => Promise<T>): Promise<T> {
    return this.#explained(bytes, async () => {
      await this.#parts.room.require(bytes);
      return change();
    });
  }

  /** Others write to the disk too: it may be full in the middle of a change, and then the shortfall is said as well. */
  async #explained<T>(bytes: number, change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } catch (error) {
      throw await this.#parts.room.explain(error, bytes);
    }
  }
}
