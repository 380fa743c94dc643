/** Message streams over real connections on loopback: each trap of js-libp2p's streams, shown not to catch us. */
import { createServer, connect, type Socket } from 'node:net';
import t from 'tap';
import { hasCode } from '../../src/base/errors.ts';
import { LAN_RECEIVE_BUFFER_BYTES, LAN_SEND_PIECE_BYTES, LAN_STREAM_WINDOW_BYTES } from '../../src/base/limits/lan.ts';
import { MiB } from '../../src/base/units.ts';
import type { MessageStream } from '../../src/swarm/message-stream.ts';
import { addressOf, LOOPBACK, patience, pause, PROTOCOL, settled, startHost, until } from './branch.ts';

await t.test('a slow reader pauses the sender, loses nothing, and costs neither side memory', async (t) => {
  const messageBytes = 1 * MiB;
  const total = 36;
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  let sentCount = 0;
  let unsentMax = 0;
  await server.handle(PROTOCOL, async (stream) => {
    const sample = setInterval(() => {
      unsentMax = Math.max(unsentMax, stream.unsentBytes);
    }, 5);
    for (let index = 0; index < total; index += 1) {
      await stream.send(Buffer.of(index), Buffer.alloc(messageBytes, index));
      sentCount += 1;
    }
    clearInterval(sample);
  });
  const stream = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });

  for (let index = 0; index < total; index += 1) {
    // At three places the reader stops until the sender has stopped too.
    if (index % 12 === 6) {
      const before = await settled(() => sentCount);
      const underway = (before - index) * messageBytes;
      t.ok(before < total, `the sender waits after ${before} of ${total} messages while ${index} were read`);
      t.ok(underway <= LAN_RECEIVE_BUFFER_BYTES + 2 * LAN_STREAM_WINDOW_BYTES + messageBytes, `${underway} bytes are underway to a reader that does not read`);
      t.ok(stream.unreadBytes <= LAN_RECEIVE_BUFFER_BYTES + LAN_STREAM_WINDOW_BYTES + messageBytes, `${stream.unreadBytes} bytes wait unread`);
    }
    const message = await stream.receive();
    t.equal(message?.byteLength, messageBytes + 1);
    t.ok(message?.[0] === index && message.at(-1) === index && message[messageBytes >>> 1] === index, `message ${index} is whole and in its place`);
  }
  t.equal(await stream.receive(), undefined, 'the end is seen');
  t.ok(unsentMax > 0 && unsentMax <= LAN_SEND_PIECE_BYTES, `at most ${unsentMax} bytes waited in the sender`);
  t.comment(`sender: at most ${unsentMax} bytes unsent`);
  await stream.close();
});

await t.test('backpressure holds again and again, not once', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  let streamAtServer: MessageStream | undefined;
  let resolvedCount = 0;
  await server.handle(PROTOCOL, async (stream) => {
    streamAtServer = stream;
    // 40 sends at once: each promise may only resolve when its own message was accepted.
    await Promise.all(Array.from({ length: 40 }, () => stream.send(Buffer.alloc(MiB)).then(() => (resolvedCount += 1))));
  });
  const stream = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  t.ok((await settled(() => resolvedCount)) <= 8, `${resolvedCount} of 40 sends resolved for a reader that does not read`);
  t.ok((streamAtServer?.unsentBytes ?? Infinity) <= LAN_SEND_PIECE_BYTES, 'libp2p holds one piece at most');
  for (let index = 0; index < 40; index += 1) t.equal((await stream.receive())?.byteLength, MiB);
  t.equal(await stream.receive(), undefined);
  t.equal(resolvedCount, 40);
  await stream.close();
});

await t.test('a remote that ends early is an end after what it has sent, and no hang', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  await server.handle(PROTOCOL, async (stream) => {
    await stream.send(Buffer.from('one'));
    await stream.send(Buffer.alloc(6 * MiB, 2));
  });
  const stream = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  await pause(300);
  t.equal(Buffer.from((await stream.receive()) ?? []).toString(), 'one');
  t.equal((await stream.receive())?.byteLength, 6 * MiB);
  t.equal(await stream.receive(), undefined, 'the end');
  t.equal(await stream.receive(), undefined, 'the end again');
  await stream.close();
  await until(() => stream.gone.aborted);

  const empty = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  await empty.receive();
  await empty.receive();
  const atEnd = empty.receive();
  t.equal(await atEnd, undefined, 'a call that was waiting for the end');
  await empty.close();
});

await t.test('a reset is BC_CONNECTION_LOST for a reader and for a writer that wait', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  const streams: MessageStream[] = [];
  await server.handle(PROTOCOL, async (stream) => {
    streams.push(stream);
    await new Promise((resolve) => stream.gone.addEventListener('abort', resolve));
  });
  const reader = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  const writer = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  const reading = reader.receive();
  const writing = writer.send(Buffer.alloc(12 * MiB));
  await until(() => streams.length === 2);
  for (const stream of streams) stream.abort(new Error('enough'));
  await t.rejects(reading, { code: 'BC_CONNECTION_LOST' });
  await t.rejects(writing, { code: 'BC_CONNECTION_LOST' });
  await t.rejects(writer.send(Buffer.of(1)), { code: 'BC_CONNECTION_LOST' }, 'later calls too');
  await t.rejects(reader.receive(), { code: 'BC_CONNECTION_LOST' });
  reader.abort(new Error('twice'));
  await reader.close();
});

await t.test('a peer whose process or network goes away is no clean end, whatever it was doing', async (t) => {
  const uncaught: Error[] = [];
  const keep = (error: Error): number => uncaught.push(error);
  process.on('uncaughtException', keep);
  t.teardown(() => process.off('uncaughtException', keep));

  const server = await startHost(t, { listen: [LOOPBACK] });
  const port = Number(/tcp\/(\d+)/.exec(addressOf(server))?.[1]);
  // Between both stands a wire that can be cut.
  const wires = new Set<Socket>();
  const wire = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      wires.add(socket);
      socket.on('error', () => undefined).on('close', () => wires.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  t.teardown(() => wire.close());
  const { port: wirePort } = wire.address() as { port: number };

  const atServer: Promise<unknown>[] = [];
  await server.handle(PROTOCOL, async (stream) => {
    const echo = (async () => {
      for (let message = await stream.receive({ patient: true }); message !== undefined; message = await stream.receive({ patient: true })) await stream.send(message);
    })();
    atServer.push(echo.catch((error: unknown) => error));
    await echo;
  });
  for (let round = 0; round < 10; round += 1) {
    const client = await startHost(t);
    const codes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const stream = await client.dial(`/ip4/127.0.0.1/tcp/${wirePort}`, PROTOCOL, { signal: patience() });
        const sending = (async () => {
          for (;;) await stream.send(Buffer.alloc(200_000));
        })().catch((error: unknown) => error);
        // Some read, some do not: those hold bytes that came before the cut.
        for (let count = 0; count < round; count += 1) await stream.receive();
        if (round % 2 === 0) for (const socket of wires) socket.destroy();
        else for (const socket of wires) socket.resetAndDestroy();
        const reading = (async () => {
          for (;;) if ((await stream.receive()) === undefined) return new Error('a clean end');
        })().catch((error: unknown) => error);
        return Promise.all([sending, reading]);
      }).map((outcome) => outcome.catch((error: unknown) => [error])),
    );
    const wrong = codes.flat().filter((error) => !hasCode(error, 'BC_CONNECTION_LOST') && !hasCode(error, 'BC_REFLECTOR_UNREACHABLE'));
    t.same(wrong, [], `round ${round}: every call ends, as a loss`);
  }
  const ends = await Promise.all(atServer);
  t.same(ends.filter((error) => !hasCode(error, 'BC_CONNECTION_LOST')), [], `the server saw ${ends.length} losses`);
  await until(() => server.connectionCount() === 0);
  t.pass('and holds no connection');
  // Where libp2p throws from its own listeners, it is about a connection that has ended: the names that cli/daemon.ts survives.
  const names = uncaught.map(({ name }) => name);
  t.same(names.filter((name) => !/^(Stream|Connection|Muxer).*Error$/.test(name)), [], `uncaught from libp2p: ${names.length} ${[...new Set(names)].join(', ')}`);
});

await t.test('silence in the middle is BC_TIMEOUT: nothing received, nothing taken', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK], stallTimeoutMs: 300 });
  const client = await startHost(t, { stallTimeoutMs: 60_000 });
  const hasty = await startHost(t, { stallTimeoutMs: 300 });
  const outcomes: Promise<unknown>[] = [];
  await server.handle(PROTOCOL, async (stream) => {
    const first = await stream.receive({ patient: true });
    const work = first?.[0] === 1 ? stream.send(Buffer.alloc(12 * MiB)) : new Promise((resolve) => stream.gone.addEventListener('abort', resolve));
    outcomes.push(work.then(() => undefined, (error: unknown) => error));
    await work;
  });
  const silent = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  await pause(600);
  await silent.send(Buffer.of(1));
  await until(() => outcomes.length === 1);
  t.match(await outcomes[0], { code: 'BC_TIMEOUT' }, 'a server whose client takes nothing; that it waited patiently for a request before is no stall');

  const waiting = await hasty.dial(addressOf(server), PROTOCOL, { signal: patience() });
  await waiting.send(Buffer.of(2));
  await t.rejects(waiting.receive(), { code: 'BC_TIMEOUT' }, 'a client whose server says nothing');
  t.ok(waiting.gone.aborted, 'its stream is reset');
});

await t.test('a message that announces more than the bound is refused at its prefix', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  const outcome = Promise.withResolvers<unknown>();
  let unread = 0;
  await server.handle(
    PROTOCOL,
    async (stream) => {
      await stream.receive().catch((error: unknown) => {
        unread = stream.unreadBytes;
        outcome.resolve(error);
        throw error;
      });
    },
    { maxMessageBytes: 100_000 },
  );
  const stream = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  await t.rejects(stream.send(Buffer.alloc(8 * MiB)), { code: 'BC_CONNECTION_LOST' }, 'the sender is cut off');
  t.match(await outcome.promise, { code: 'BC_LIMIT_EXCEEDED' });
  t.equal(unread, 0, 'and nothing of it is kept');
});

await t.test('messages of every size around the seams arrive as they were', async (t) => {
  const server = await startHost(t, { listen: [LOOPBACK] });
  const client = await startHost(t);
  await server.handle(PROTOCOL, async (stream) => {
    for (let message = await stream.receive(); message !== undefined; message = await stream.receive()) await stream.send(message.subarray(0, 3), message.subarray(3));
  });
  const stream = await client.dial(addressOf(server), PROTOCOL, { signal: patience() });
  const sizes = [0, 1, 3, 4, 65_502, 65_503, 65_504, 65_507, 65_508, 65_531, 65_532, 65_533, 65_536, 65_540, 131_072, 262_144, MiB - 4, MiB + 1, 3_000_000];
  for (const size of sizes) {
    const message = Buffer.alloc(size);
    for (let index = 0; index < size; index += 1) message[index] = (index * 31 + size) % 251;
    await stream.send(message);
    const echo = await stream.receive();
    t.ok(echo !== undefined && message.equals(echo), `${size} bytes`);
  }
  await stream.close();
});
