/**
 * Implements `HttpPort` with node:http and prom-client. Both are loaded at first use, so a node that serves no HTTP does not
 * need memory for them. The body of a request is ignored. A connection that is slow to send its request, or to read the
 * response, is closed.
 */
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { HttpHandler, HttpPort, HttpResponse } from '../base/http.ts';
import type { Address, Listener } from '../base/network.ts';

const connectionsMax = 64;
const requestTimeoutMsDefault = 10_000;
/** How often Node.js looks for requests that take too long. Its default is 30 s. */
const checkIntervalMs = 1_000;
const headerBytesMax = 8_192;
const allowedMethods = ['GET', 'HEAD'];

export class HttpAdapter implements HttpPort {
  #shared: { readonly ports: readonly number[]; readonly server: Promise<Server> } | null = null;
  #utilization = performance.eventLoopUtilization();
  #processMetrics: Promise<() => Promise<string>> | null = null;
  readonly #servers = new Set<Server>();
  readonly #adopted = new Set<Socket>();
  readonly #requestTimeoutMs: number;

  constructor(requestTimeoutMs = requestTimeoutMsDefault) {
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async listen(address: Address, handler: HttpHandler): Promise<Listener> {
    const server = await createServer(handler, this.#requestTimeoutMs);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const host = address.host === '' ? undefined : address.host;
      server.listen({ port: address.port, host }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.#servers.add(server);
    return {
      address: { host: address.host, port: (server.address() as AddressInfo).port },
      close: async () => {
        this.#servers.delete(server);
        await closeServer(server);
      },
    };
  }

  serveOn(ports: readonly number[], handler: HttpHandler): void {
    if (ports.length > 0) this.#shared = { ports, server: createServer(handler, this.#requestTimeoutMs) };
  }

  /** Takes over a socket from which the bytes `first` were read. Returns false when no HTTP is served on its port. */
  adopt(socket: Socket, first: Uint8Array): boolean {
    const shared = this.#shared;
    if (shared === null || !shared.ports.includes(socket.localPort ?? -1)) return false;
    // The limit must be checked here: a server's `maxConnections` counts only connections that it accepted itself.
    if (this.#adopted.size >= connectionsMax) {
      socket.destroy();
      return true;
    }
    this.#adopted.add(socket);
    socket.once('close', () => this.#adopted.delete(socket));
    void shared.server.then((server) => {
      // Puts the bytes that were read back into the buffer of the socket. The server reads them from there.
      socket.unshift(first);
      server.emit('connection', socket);
      socket.resume();
    });
    return true;
  }

  idleShare(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization);
    this.#utilization = now;
    return 1 - utilization;
  }

  async processMetrics(): Promise<string> {
    this.#processMetrics ??= loadProcessMetrics();
    return (await this.#processMetrics)();
  }

  async close(): Promise<void> {
    if (this.#shared !== null) this.#servers.add(await this.#shared.server);
    await Promise.all([...this.#servers].map(closeServer));
    this.#servers.clear();
  }
}

async function loadProcessMetrics(): Promise<() => Promise<string>> {
  const { Registry, collectDefaultMetrics } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return () => registry.metrics();
}

async function createServer(handler: HttpHandler, requestTimeoutMs: number): Promise<Server> {
  const http = await import('node:http');
  const options = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    keepAliveTimeout: requestTimeoutMs,
    maxHeaderSize: headerBytesMax,
  };
  const server = http.createServer(options, (request, response) => {
    const method = request.method ?? '';
    const path = (request.url ?? '/').split('?')[0] as string;
    request.resume();
    const send = async ({ status, contentType, body }: HttpResponse): Promise<void> => {
      response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
      if (method === 'HEAD') response.end();
      else if (typeof body === 'string') response.end(body);
      else {
        for await (const piece of body) {
          if (!response.write(piece)) await drained(response);
        }
        response.end();
      }
    };
    Promise.resolve(
      allowedMethods.includes(method)
        ? handler({ method, path })
        : { status: 405, contentType: 'text/plain', body: 'Only GET and HEAD are served here.\n' },
    )
      .then(send)
      .catch(() => response.destroy());
  });
  server.maxConnections = connectionsMax;
  server.setTimeout(requestTimeoutMs);
  return server;
}

/** Resolves when the response has room again. Rejects when the client has closed the connection. */
function drained(response: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve, reject) => {
    response.once('drain', resolve);
    response.once('close', () => reject(new Error('the client is gone')));
  });
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
