import * as fc from 'fast-check';
import t from 'tap';
import { MessageAssembler } from '../../../src/swarm/message-assembler.ts';

function prefixed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(message.byteLength);
  return Buffer.concat([prefix, message]);
}

await t.test('messages come out as they went in, however the bytes were cut', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 100 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }), fc.boolean(), (messages, cuts, eager) => {
      const bytes = Buffer.concat(messages.map(prefixed));
      const assembler = new MessageAssembler(40);
      const taken: Uint8Array[] = [];
      const takeAll = (): void => {
        for (let message = assembler.take(); message !== undefined; message = assembler.take()) taken.push(Buffer.from(message));
      };
      for (let offset = 0, turn = 0; offset < bytes.byteLength; turn += 1) {
        const cut = cuts[turn % cuts.length] ?? 1;
        assembler.push(bytes.subarray(offset, offset + cut));
        offset += cut;
        if (eager) takeAll();
      }
      takeAll();
      return assembler.waitingBytes === 0 && taken.length === messages.length && taken.every((message, index) => Buffer.from(messages[index] ?? []).equals(message));
    }),
    { seed: 20261121, numRuns: 500 },
  );
  t.pass('500 runs');
});

await t.test('a length beyond the bound is refused when its prefix is there, not before and not later', async (t) => {
  const assembler = new MessageAssembler(100);
  const announced = prefixed(Buffer.alloc(101));
  assembler.push(announced.subarray(0, 3));
  t.equal(assembler.take(), undefined);
  assembler.push(announced.subarray(3, 4));
  t.throws(() => assembler.take(), { code: 'BC_LIMIT_EXCEEDED', details: { messageBytes: 101 } });
  assembler.clear();
  t.equal(assembler.waitingBytes, 0);
  assembler.push(prefixed(Buffer.alloc(100, 7)));
  t.same(assembler.take(), Buffer.alloc(100, 7), 'cleared, it begins anew');
  assembler.push(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  t.throws(() => assembler.take(), { code: 'BC_LIMIT_EXCEEDED', details: { messageBytes: 4_294_967_295 } });
});

await t.test('a large message in many pieces', async (t) => {
  const assembler = new MessageAssembler(12_000_000);
  const message = Buffer.alloc(12_000_000, 3);
  const bytes = prefixed(message);
  let early = 0;
  for (let offset = 0; offset < bytes.byteLength; offset += 1000) {
    if (assembler.take() !== undefined) early += 1;
    assembler.push(bytes.subarray(offset, offset + 1000));
  }
  t.equal(early, 0);
  t.ok(message.equals(assembler.take() ?? Buffer.of()));
});
