import t from 'tap';
import { FrameExchange, type FrameTaker } from '../../../src/wan/frame-exchange.ts';
import type { WantedFrame } from '../../../src/wan/frame-list.ts';

class Taker implements FrameTaker {
  readonly got: Uint8Array[] = [];
  hasRoom = true;

  offer(_frame: WantedFrame, bytes: Uint8Array): boolean {
    if (this.hasRoom) this.got.push(bytes);
    return this.hasRoom;
  }
}

const frame = (wantedRawBytes: number): WantedFrame => ({ packId: 'a', offsetBytes: 16, storedBytes: 10, rawBytes: 100, wantedRawBytes, wanted: [0] });
const bytes = Buffer.from('frame');

void t.test('what two want too little of, they want enough of together', async (t) => {
  const exchange = new FrameExchange();
  const [one, two] = [new Taker(), new Taker()];
  exchange.join(one, frame(30));
  t.notOk(exchange.isWorthWhole(frame(30)));
  exchange.join(two, frame(30));
  t.ok(exchange.isWorthWhole(frame(30)));
  exchange.leave(one, frame(30));
  t.notOk(exchange.isWorthWhole(frame(30)));
});

void t.test('one fetches, both have it', async (t) => {
  const exchange = new FrameExchange();
  const [one, two, full] = [new Taker(), new Taker(), new Taker()];
  full.hasRoom = false;
  for (const taker of [one, two, full]) exchange.join(taker, frame(50));
  t.ok(exchange.begin(frame(50)));
  t.notOk(exchange.begin(frame(50)), 'not twice at a time');
  let settled = false;
  const waiting = exchange.settled(frame(50)).then(() => (settled = true));
  await Promise.resolve();
  t.notOk(settled);
  exchange.leave(one, frame(50));
  exchange.end(one, frame(50), bytes);
  await waiting;
  t.same(one.got, [], 'who fetched it has it already');
  t.same(two.got, [bytes]);
  t.ok(exchange.begin(frame(50)), 'who had no room fetches it later');
  exchange.leave(full, frame(50));
  exchange.end(full, frame(50), bytes);
  t.equal(exchange.size, 0, 'nothing is left behind');
});

void t.test('a fetch that fails gives the turn to another', async (t) => {
  const exchange = new FrameExchange();
  const [one, two] = [new Taker(), new Taker()];
  for (const taker of [one, two]) exchange.join(taker, frame(50));
  t.ok(exchange.begin(frame(50)));
  exchange.leave(one, frame(50));
  exchange.end(one, frame(50), undefined);
  t.same(two.got, []);
  t.ok(exchange.begin(frame(50)));
  exchange.leave(two, frame(50));
  exchange.end(two, frame(50), bytes);
  t.equal(exchange.size, 0);
  await exchange.settled(frame(50));
});
