/**
 * HTTP clients that never complete a request: each connection is closed after requestTimeoutMs, however often the client sends
 * a byte.
 */
import * as net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HttpAdapter } from '../../src/adapters/http.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function page(): Promise<{ port: number }> {
  const adapter = new HttpAdapter(1_000);
  open.push(adapter);
  const handler = () => Promise.resolve({ status: 200, contentType: 'text/plain', body: 'a page\n' });
  const listener = await adapter.listen({ host: '127.0.0.1', port: 0 }, handler);
  open.push(listener);
  return listener.address;
}

test.each([
  ['a header', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  ['a body', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n'],
])(
  'a client whose request has %s without an end is closed, and the next request is answered',
  async (_, beginning) => {
    const { port } = await page();
    const socket = net.connect(port, '127.0.0.1');
    let isClosed = false;
    socket.on('error', () => undefined).on('close', () => (isClosed = true));
    socket.resume().write(beginning);
    const drip = setInterval(() => socket.write('x'), 50);
    open.push({ close: () => clearInterval(drip) });
    await expect.poll(() => isClosed, { timeout: 20_000 }).toBe(true);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(await response.text()).toBe('a page\n');
  },
);
