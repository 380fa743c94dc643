import { EventEmitter } from 'node:events';
import t from 'tap';
import { createProgress } from '../../../src/cli/progress.ts';

/** As much of a terminal as is drawn on. */
function terminal(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly written: () => string } {
  let text = '';
  const stream = Object.assign(new EventEmitter(), { isTTY, columns: 80, rows: 24, write: (piece: string) => (text += piece).length > 0 });
  return { stream: stream as unknown as NodeJS.WriteStream, written: () => text };
}

void t.test('on a terminal the line is drawn, and taken away', async (t) => {
  const { stream, written } = terminal(true);
  const progress = createProgress(stream);
  while (!written().includes('half')) {
    progress.update('half done');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const drawn = written();
  progress.clear();
  t.ok(written().length > drawn.length, 'the line is erased');
  progress.clear();
});

void t.test('a command that ends before anything was drawn writes nothing', async (t) => {
  const { stream, written } = terminal(true);
  const progress = createProgress(stream);
  progress.clear();
  progress.update('late');
  progress.clear();
  await import('log-update');
  t.equal(written(), '');
});

void t.test('off a terminal nothing is erased', (t) => {
  const { stream, written } = terminal(false);
  const progress = createProgress(stream);
  progress.update('half done');
  progress.clear();
  t.equal(written(), '', 'a command of a moment says nothing on its way');
  t.end();
});
