/**
 * The noise of js-libp2p (v17), less what it costs to send bulk. The same bytes go over the wire: a peer cannot tell.
 * - A key given as bytes is looked at anew by node:crypto for every message, which takes longer than to encrypt 16 KiB; here it is made a KeyObject once.
 * - A message of noise leaves in four writes to the socket: its length, the header of yamux, the data, the tag. Each is a call to the system and, since
 *   sockets do not wait (TCP_NODELAY), a packet. Here the pieces of one message are gathered (writev(2)).
 * Measured with ten endpoints on one machine: docs/performance.md, "A branch, end to end".
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import { noise, type ICryptoInterface, type NoiseComponents, type NoiseExtensions } from '@libp2p/noise';
import { defaultCrypto, nodeCrypto } from '@libp2p/noise/crypto';
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface';

/** From here on libp2p itself takes node:crypto; what is shorter is faster in its WebAssembly. */
const NATIVE_BYTES_MIN = 1200;

const bulkCrypto: ICryptoInterface = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (plaintext.byteLength < NATIVE_BYTES_MIN) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
    return nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, keyObject(key));
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, into) {
    if (ciphertext.byteLength < NATIVE_BYTES_MIN) return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, into);
    return nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, keyObject(key), into);
  },
};

/** Noise makes a new array for every key that it derives, and never writes to it again (section 5.1 of the specification: SetNonce changes the nonce alone). */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

/** node:crypto takes either; libp2p's declarations know bytes only. */
function keyObject(key: Uint8Array): Uint8Array {
  let object = keyObjects.get(key);
  if (object === undefined) {
    object = createSecretKey(key);
    keyObjects.set(key, object);
  }
  return object as unknown as Uint8Array;
}

export function bulkNoise(): (components: NoiseComponents) => ConnectionEncrypter<NoiseExtensions> {
  const make = noise({ crypto: bulkCrypto });
  return (components) => {
    const encrypter = make(components);
    const secured: Pick<ConnectionEncrypter<NoiseExtensions>, 'secureInbound' | 'secureOutbound'> = {
      secureInbound: (connection, options) => encrypter.secureInbound(gathered(connection), options),
      secureOutbound: (connection, options) => encrypter.secureOutbound(gathered(connection), options),
    };
    // What else it is asked for, capabilities under symbols among it, is its own.
    return Object.assign(Object.create(encrypter) as ConnectionEncrypter<NoiseExtensions>, secured);
  };
}

/** A connection of @libp2p/tcp (v11, socket-to-conn.ts): how it hands bytes to its socket. */
interface SocketConnection {
  readonly socket: Socket;
  sendData(data: Iterable<Uint8Array>): { readonly sentBytes: number; readonly canSendMore: boolean };
}

function gathered<S extends MessageStream>(connection: S): S {
  if (!isSocketConnection(connection)) return connection;
  const { socket } = connection;
  const send = connection.sendData.bind(connection);
  connection.sendData = (data) => {
    socket.cork();
    try {
      return send(data);
    } finally {
      socket.uncork();
    }
  };
  return connection;
}

function isSocketConnection(connection: object): connection is SocketConnection {
  return 'sendData' in connection && 'socket' in connection && typeof (connection.socket as Partial<Socket> | undefined)?.cork === 'function';
}
