import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface';
import { StreamMessageEvent } from '@libp2p/interface';
import * as fc from 'fast-check';
import t from 'tap';
import { FrameHeaders, guardMuxer } from '../../../src/swarm/muxer-guard.ts';

function frame(type: number, length: number, dataBytes = type === 0 ? length : 0): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(type, 1);
  header.writeUInt32BE(7, 4);
  header.writeUInt32BE(length, 8);
  return Buffer.concat([header, Buffer.alloc(dataBytes, 0xee)]);
}

await t.test('headers are found however the bytes are cut; only data has a length', async (t) => {
  const frames = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 300 })), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 50 }), (list, cut) => {
      const bytes = Buffer.concat(list.map(([type, length]) => frame(type, length)));
      const headers = new FrameHeaders();
      let largest = 0;
      for (let offset = 0; offset < bytes.byteLength; offset += cut) largest = Math.max(largest, headers.largestIn(bytes.subarray(offset, offset + cut)));
      return largest === Math.max(0, ...list.filter(([type]) => type === 0).map(([, length]) => length));
    }),
    { seed: 20261121, numRuns: 500 },
  );
  t.pass('500 runs');
  t.equal(new FrameHeaders().largestIn(frame(0, 2 ** 32 - 1, 3)), 2 ** 32 - 1, 'a length beyond 2^31');
  t.equal(new FrameHeaders().largestIn(frame(1, 2 ** 32 - 1)), 0, 'a window update of 4 GiB is no data');
});

await t.test('a connection is ended at the header, before the muxer sees it; its backlog is bounded', async (t) => {
  const events: string[] = [];
  class Connection extends EventTarget {
    maxWriteBufferLength: number | undefined;
    abort(error: Error): void {
      events.push(error.message);
    }
  }
  const connection = new Connection();
  const factory: StreamMuxerFactory = {
    protocol: '/yamux/1.0.0',
    createStreamMuxer(stream) {
      stream.addEventListener('message', () => events.push('muxer'));
      return {} as StreamMuxer;
    },
  };
  const guarded = guardMuxer(() => factory, { frameBytesMax: 100, backlogBytesMax: 5000 })({});
  t.equal(guarded.protocol, '/yamux/1.0.0');
  guarded.createStreamMuxer(connection as unknown as MessageStream);
  t.equal(connection.maxWriteBufferLength, 5000);
  connection.dispatchEvent(new StreamMessageEvent(frame(0, 100)));
  t.same(events, ['muxer']);
  connection.dispatchEvent(new StreamMessageEvent(frame(0, 101, 0)));
  t.match(events, ['muxer', /101 bytes/, 'muxer']);
});
