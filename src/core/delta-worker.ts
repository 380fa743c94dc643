/** Runs in a worker thread: makes the deltas from one version to another, one step for each time it is asked. See delta-maker.ts. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { LocatedChunks, type FrameSource } from '../delta/located-chunks.ts';
import { makeDeltas } from '../delta/make-deltas.ts';
import type { MakerAnswer, MakerJob, MakerQuestion } from './delta-maker.ts';

/** Publishing goes first. */
const NICENESS = 5;

const port = parentPort;
if (port === null) throw new Error('delta-worker.ts runs in a worker thread only');
yieldToOthers();

let answered = Promise.withResolvers<MakerAnswer>();
port.on('message', (answer: MakerAnswer) => {
  // Ends this thread alone.
  if (answer.kind === 'end') process.exit(0);
  answered.resolve(answer);
});

/** One question at a time; the other side answers each. */
async function ask(question: MakerQuestion): Promise<MakerAnswer> {
  answered = Promise.withResolvers();
  port?.postMessage(question);
  return answered.promise;
}

const store: FrameSource = {
  async locate(digests) {
    const answer = await ask({ kind: 'locate', digests });
    return answer.kind === 'located' ? answer.locations : [];
  },
  async readFrame(location) {
    const answer = await ask({ kind: 'read', location });
    return answer.kind === 'frame' ? answer.frame : undefined;
  },
};

const { from, to } = workerData as MakerJob;
try {
  for await (const step of makeDeltas(from, to, new LocatedChunks(store))) {
    // Nothing is made ahead of who takes it.
    await ask({ kind: 'step', step });
  }
  port.postMessage({ kind: 'done' } satisfies MakerQuestion);
} catch (error) {
  port.postMessage({ kind: 'failed', message: (error as Error).message } satisfies MakerQuestion);
}

/** On Linux a thread has a priority of its own (setpriority(2), "C library/kernel differences"); elsewhere it keeps that of the process. */
function yieldToOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICENESS);
  } catch {
    // No /proc, or not allowed: the work is the same.
  }
}
