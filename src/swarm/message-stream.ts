/**
 * Messages over one libp2p stream, with backpressure both ways. The only module that touches raw streams, because js-libp2p's
 * (v3) own ways of using them fail a slow or vanishing peer:
 * - `onDrain()` works once only: here every wait listens to the `drain` event anew, and looks again after it.
 * - `for await` has no backpressure and may never end, `lpStream` resets slow readers: here `message` events fill a bounded buffer,
 *   and the stream is paused while nobody reads. What may still come after a pause is bounded by the yamux window (lan-host.ts).
 * - At each `drain` a stream is let through once, however much it sends and however little the socket had drained. A peer that grants
 *   window without end and reads slowly would make us buffer without end: a message goes in pieces of what a socket takes.
 * - A connection that dies takes its streams along as if they had ended well: only the far end's own FIN counts as an end.
 * - `send`, `pause`, `resume` and `close` throw synchronously when the connection has just gone; a throw inside one of its event
 *   listeners (`drain` above all) reaches nobody and becomes an uncaught exception of the process. Listeners here never throw; the
 *   rest that libp2p throws from its own, a daemon must tell from bugs (cli/daemon.ts) and survive.
 */
import type { Stream } from '@libp2p/interface';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { LAN_CLOSE_TIMEOUT_MS, LAN_RECEIVE_BUFFER_BYTES, LAN_SEND_PIECE_BYTES, LAN_STALL_TIMEOUT_MS } from '../base/limits/lan.ts';
import { MessageAssembler, PREFIX_BYTES } from './message-assembler.ts';

export interface MessageStreamOptions {
  readonly remotePeerId: string;
  /** A longer message is refused at its prefix. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait unread before the far end is paused. */
  readonly receiveBufferBytes?: number;
  /** No byte for this long while one is awaited or being sent: the stream is dead. */
  readonly stallTimeoutMs?: number;
}

export class MessageStream {
  readonly remotePeerId: string;
  readonly #raw: Stream;
  readonly #stallTimeoutMs: number;
  readonly #receiveBufferBytes: number;
  readonly #assembler: MessageAssembler;
  readonly #gone = new AbortController();
  /** Fulfilled by the next event of its kind. */
  #readable = Promise.withResolvers<void>();
  #writable = Promise.withResolvers<void>();
  #receiving = false;
  #lastSend: Promise<void> = Promise.resolve();
  #finishedByRemote: boolean;
  #failure: BranchcastError | undefined;

  constructor(raw: Stream, options: MessageStreamOptions) {
    this.remotePeerId = options.remotePeerId;
    this.#raw = raw;
    this.#stallTimeoutMs = options.stallTimeoutMs ?? LAN_STALL_TIMEOUT_MS;
    this.#receiveBufferBytes = options.receiveBufferBytes ?? LAN_RECEIVE_BUFFER_BYTES;
    this.#assembler = new MessageAssembler(options.maxMessageBytes);
    this.#finishedByRemote = raw.status === 'open' && raw.remoteWriteStatus === 'closed';
    raw.addEventListener('remoteCloseWrite', () => {
      this.#finishedByRemote = true;
    });
    raw.addEventListener('end', () => this.#wakeReader());
    raw.addEventListener('drain', () => this.#wakeWriter());
    raw.addEventListener('close', (event) => this.#onClose(event.error));
    // Last, since this one makes the stream hand over what it holds.
    raw.addEventListener('message', (event) => this.#onMessage(event.data instanceof Uint8Array ? [event.data] : event.data));
    if (raw.status !== 'open' && raw.status !== 'closing') this.#onClose(undefined);
  }

  /** Fires when the stream has gone, for whatever reason: work for the far end is pointless then. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Received and not yet taken; bounded by receiveBufferBytes and the stream's window, or by one message. */
  get unreadBytes(): number {
    return this.#assembler.waitingBytes + this.#raw.readBufferLength;
  }

  /** Handed to libp2p and not yet sent: a piece at most. */
  get unsentBytes(): number {
    return this.#raw.writeBufferLength;
  }

  /**
   * One message, whose bytes (of all parts together) must not change before the promise resolves: when the far end keeps up with
   * reading. Calls are sent in their order. BC_CONNECTION_LOST; BC_TIMEOUT if the far end reads nothing.
   */
  async send(...parts: readonly Uint8Array[]): Promise<void> {
    const turn = this.#lastSend.then(() => this.#write(parts));
    this.#lastSend = turn.catch(() => undefined);
    await turn;
  }

  /**
   * The next message; undefined at the end of the stream, if the far end ended it itself and between two messages. One call at a
   * time. `patient`: between messages there is no stall, however long. BC_CONNECTION_LOST, BC_TIMEOUT, BC_LIMIT_EXCEEDED.
   */
  async receive(options: { readonly patient?: boolean } = {}): Promise<Uint8Array | undefined> {
    if (this.#receiving) throw new BranchcastError('BC_INTERNAL', 'receive() was called while another call was waiting');
    this.#receiving = true;
    try {
      for (;;) {
        // Taken before looking, so that an event in between is not slept through.
        const event = this.#readable.promise;
        const message = this.#takeMessage();
        if (message !== undefined) return message;
        if (this.#raw.readStatus === 'paused') {
          this.#resume();
          continue;
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#raw.readableEnded || this.#gone.signal.aborted) return this.#atEnd();
        const patient = options.patient === true && this.#assembler.waitingBytes === 0;
        await this.#awaitProgress(event, patient ? undefined : 'sent nothing');
      }
    } finally {
      this.#receiving = false;
      if (this.#assembler.waitingBytes >= this.#receiveBufferBytes) this.#pause();
      else if (this.#assembler.waitingBytes < this.#receiveBufferBytes / 2) this.#resume();
    }
  }

  /** Ends our direction once everything is sent. The far end gets a while to end its own; then the stream is reset. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.abort(new BranchcastError('BC_TIMEOUT', `peer ${this.remotePeerId} did not close a stream within ${LAN_CLOSE_TIMEOUT_MS} ms`)), LAN_CLOSE_TIMEOUT_MS);
    late.unref();
    this.#gone.signal.addEventListener('abort', () => clearTimeout(late), { once: true });
    if (this.#gone.signal.aborted) clearTimeout(late);
    try {
      await this.#raw.close({ signal: AbortSignal.timeout(LAN_CLOSE_TIMEOUT_MS) });
    } catch (cause) {
      this.abort(lost(this.remotePeerId, cause));
    }
  }

  /** Ends both directions at once, forgetting what is on its way. Waiting calls reject with `reason`. */
  abort(reason: unknown): void {
    this.#failure ??= asBranchcastError(reason);
    this.#assembler.clear();
    this.#raw.abort(this.#failure);
    this.#onClose(undefined);
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces(parts)) {
      this.#throwIfGone();
      let accepted;
      try {
        accepted = this.#raw.send(piece);
      } catch (cause) {
        this.abort(lost(this.remotePeerId, cause));
        this.#throwIfGone();
      }
      if (accepted !== true) await this.#drained();
    }
  }

  async #drained(): Promise<void> {
    // After a drain libp2p sends what it had kept back, which may fill the window or the connection again: hence the loop.
    while (this.#raw.writableNeedsDrain) {
      this.#throwIfGone();
      await this.#awaitProgress(this.#writable.promise, 'took nothing');
    }
  }

  /** Waits for an event; without one for too long the stream is aborted, which ends every wait. */
  async #awaitProgress(event: Promise<void>, complaint: string | undefined): Promise<void> {
    if (complaint === undefined) return event;
    const stalled = setTimeout(() => {
      this.abort(new BranchcastError('BC_TIMEOUT', `peer ${this.remotePeerId} ${complaint} for ${this.#stallTimeoutMs} ms`, { details: { peerId: this.remotePeerId } }));
    }, this.#stallTimeoutMs);
    try {
      await event;
    } finally {
      clearTimeout(stalled);
    }
  }

  #throwIfGone(): void {
    if (this.#gone.signal.aborted) throw this.#failure ?? lost(this.remotePeerId, undefined);
  }

  #takeMessage(): Uint8Array | undefined {
    try {
      return this.#assembler.take();
    } catch (thrown) {
      this.abort(thrown);
      throw thrown;
    }
  }

  #atEnd(): undefined {
    if (this.#finishedByRemote && this.#assembler.waitingBytes === 0) return undefined;
    throw new BranchcastError('BC_CONNECTION_LOST', `the connection to peer ${this.remotePeerId} ended ${this.#assembler.waitingBytes > 0 ? 'in the middle of a message' : 'without a goodbye'}`);
  }

  #onMessage(data: Iterable<Uint8Array>): void {
    for (const piece of data) this.#assembler.push(piece);
    if (!this.#receiving && this.#assembler.waitingBytes >= this.#receiveBufferBytes) this.#pause();
    this.#wakeReader();
  }

  #onClose(error: Error | undefined): void {
    if (error !== undefined) this.#failure ??= lost(this.remotePeerId, error);
    this.#gone.abort();
    this.#wakeReader();
    this.#wakeWriter();
  }

  #wakeReader(): void {
    this.#readable.resolve();
    this.#readable = Promise.withResolvers();
  }

  #wakeWriter(): void {
    this.#writable.resolve();
    this.#writable = Promise.withResolvers();
  }

  #pause(): void {
    if (this.#raw.readStatus === 'readable') this.#raw.pause();
  }

  #resume(): void {
    if (this.#raw.readStatus !== 'paused') return;
    try {
      this.#raw.resume();
    } catch {
      // The connection has gone: what the stream still held has been handed over by now, and `close` tells the rest.
    }
  }
}

/** A message as the stream gets it: small parts joined to their prefix, large ones cut without a copy. */
function* pieces(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let small: Uint8Array[] = [prefix];
  let smallBytes = PREFIX_BYTES;
  for (const part of parts) {
    if (smallBytes + part.byteLength <= LAN_SEND_PIECE_BYTES) {
      small.push(part);
      smallBytes += part.byteLength;
      continue;
    }
    if (smallBytes > 0) yield Buffer.concat(small, smallBytes);
    [small, smallBytes] = [[], 0];
    for (let offset = 0; offset < part.byteLength; offset += LAN_SEND_PIECE_BYTES) yield part.subarray(offset, offset + LAN_SEND_PIECE_BYTES);
  }
  if (smallBytes > 0) yield Buffer.concat(small, smallBytes);
}

function lost(peerId: string, cause: unknown): BranchcastError {
  return new BranchcastError('BC_CONNECTION_LOST', `the connection to peer ${peerId} was lost`, { cause, details: { peerId } });
}
