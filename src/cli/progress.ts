/** Progress on stderr: a line that is redrawn on a terminal, a plain line now and then off it. */
import type { createLogUpdate } from 'log-update';

export interface Progress {
  /** What is going on now. May be called as often as one likes. */
  update(line: string): void;
  /** Takes the redrawn line away. May be called twice. */
  clear(): void;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? redrawn(stream) : plain(stream);
}

/** What draws is loaded when there is something to draw: finding out how wide characters are takes it longer than many a command. */
function redrawn(stream: NodeJS.WriteStream): Progress {
  let log: ReturnType<typeof createLogUpdate> | undefined;
  let drawnAtMs = 0;
  const load = async (): Promise<void> => {
    const { createLogUpdate: create } = await import('log-update');
    log ??= create(stream);
  };
  return {
    update(line) {
      const nowMs = performance.now();
      if (nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      if (log === undefined) void load();
      else log(line);
    },
    clear() {
      log?.clear();
      log?.done();
    },
  };
}

function plain(stream: NodeJS.WritableStream): Progress {
  let writtenAtMs = performance.now();
  return {
    update(line) {
      const nowMs = performance.now();
      if (nowMs - writtenAtMs < PLAIN_LINE_MS) return;
      writtenAtMs = nowMs;
      stream.write(`${line}\n`);
    },
    clear() {},
  };
}
