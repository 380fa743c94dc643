/** Answers that are made while they are sent. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Fires when the caller has gone before its answer was whole. */
export function callerGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/**
 * The stream of `pieces`, once the first of them is there: what goes wrong before it is an error with a status, what goes wrong later ends
 * the connection. Pull-based: nothing is made before the socket takes it. `onEnd` is called once, however it ends.
 */
export async function streamOf(pieces: AsyncIterator<Uint8Array>, onEnd: () => void = () => undefined): Promise<Readable> {
  let ended = false;
  const end = (): void => {
    if (!ended) onEnd();
    ended = true;
  };
  let first: IteratorResult<Uint8Array>;
  try {
    first = await pieces.next();
  } catch (error) {
    end();
    throw error;
  }
  const stream = Readable.from(startingWith(first, pieces), { objectMode: false });
  stream.once('close', end);
  return stream;
}

async function* startingWith(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let step = first; step.done !== true; step = await rest.next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}
