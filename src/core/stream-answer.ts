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

/** `items` once the first of them is there: what goes wrong before it can still be answered with a status. */
export async function begun<T>(items: AsyncIterator<T>): Promise<AsyncGenerator<T, void, undefined>> {
  return startingWith(await items.next(), items);
}

/** The bytes as a stream that is pull-based: nothing is made before the socket takes it. What goes wrong in it ends the connection. */
export function streamOf(pieces: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(pieces, { objectMode: false });
}

async function* startingWith<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T, void, undefined> {
  try {
    for (let step = first; step.done !== true; step = await rest.next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}
