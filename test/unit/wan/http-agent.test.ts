/** What an HTTP client of ours offers a server before anything is encrypted. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import t from 'tap';
import { HttpAgent } from '../../../src/wan/http-agent.ts';

await t.test('over TLS it offers HTTP/1.1 and no HTTP/2, for which the bundle has no code', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const agent = new HttpAgent({});
  const asked = agent.request({ origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, path: '/', method: 'GET' });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  // A protocol name of RFC 7301 stands behind its length.
  t.ok(hello.includes('\x08http/1.1'), 'HTTP/1.1');
  t.notOk(hello.includes('\x02h2'), 'HTTP/2');
  socket.destroy();
  await t.rejects(asked);
  await agent.destroy();
});
