/**
 * The socket on which a test node listens for clients, and its connections. It is bound before the node advertises its address.
 * While the node is down it is closed, and later opened again on the same port. Controller listeners have no socket, because
 * the nodes of a test cluster communicate in memory.
 */
import { connectTcp, handOver, listenTcp } from '../../adapters/tcp-network.ts';
import type { Address, Connection, Listener, Network } from '../../base/network.ts';
import type { Life } from './life.ts';

const backlog = 128;

interface Guest {
  readonly connection: Connection;
  /** The client id in the newest request of this connection. */
  clientId: string;
}

export class ClientDoor {
  address: Address;
  private listener: Listener | null = null;
  private binding: Promise<void> | null = null;
  private onConnection: ((connection: Connection) => void) | null = null;
  /** Connections that have arrived before the node is ready to accept them. */
  private readonly early: Connection[] = [];
  private readonly guests = new Map<number, Guest>();

  constructor(address: Address) {
    this.address = address;
  }

  /** Binds the port. If the test gave none, the first call takes a free one, and later calls take the same. */
  async bind(): Promise<void> {
    if (this.listener !== null) return;
    this.binding ??= this.take().finally(() => {
      this.binding = null;
    });
    await this.binding;
  }

  /** The network of one incarnation of the node. */
  networkFor(life: Life): Network {
    return {
      listen: async (address, onConnection) => {
        if (address.port !== this.address.port) return { address, close: () => Promise.resolve() };
        await this.bind();
        this.onConnection = (connection) => onConnection(gated(connection, life));
        for (const connection of this.early.splice(0)) this.greet(connection);
        return { address: this.address, close: () => this.close() };
      },
      connect: (address, timeoutMs) => connectTcp(address, timeoutMs),
    };
  }

  /** Closes the port and all client connections. */
  async close(): Promise<void> {
    // A node may be killed while the port is being bound: wait for that, then close it.
    await this.binding?.catch(() => {});
    const { listener } = this;
    this.listener = null;
    this.onConnection = null;
    for (const connection of this.early.splice(0)) connection.destroy();
    this.disconnect(null);
    await listener?.close();
  }

  /** Closes connections at once: all, or those of one client id. Returns their number. */
  disconnect(clientId: string | null): number {
    let count = 0;
    for (const guest of [...this.guests.values()]) {
      if (clientId !== null && guest.clientId !== clientId) continue;
      guest.connection.destroy();
      count++;
    }
    return count;
  }

  /** Records which client id uses the connection from `port`. */
  setClientId(port: number, clientId: string): void {
    const guest = this.guests.get(port);
    if (guest !== undefined) guest.clientId = clientId;
  }

  get connectionCount(): number {
    return this.guests.size;
  }

  private async take(): Promise<void> {
    this.listener = await listenTcp(this.address, backlog, (socket) => {
      handOver(socket, null, (connection) => this.welcome(connection));
    });
    this.address = { host: this.address.host, port: this.listener.address.port };
  }

  private welcome(connection: Connection): void {
    if (this.onConnection !== null) return this.greet(connection);
    connection.pause();
    this.early.push(connection);
  }

  private greet(connection: Connection): void {
    const { port } = connection.remote;
    this.guests.set(port, { connection, clientId: '' });
    this.onConnection?.(connection);
    const { onClose } = connection;
    connection.onClose = (error) => {
      this.guests.delete(port);
      onClose(error);
    };
    connection.resume();
  }
}

/** The connection as the node sees it: while the node is paused, received bytes wait. */
function gated(connection: Connection, life: Life): Connection {
  const door: Connection = {
    remote: connection.remote,
    local: connection.local,
    onData: () => {},
    onClose: () => {},
    onDrain: () => {},
    write: (buffers) => connection.write(buffers),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    end: () => connection.end(),
    destroy: () => connection.destroy(),
  };
  connection.onData = (chunk) => life.perform(() => door.onData(chunk));
  connection.onDrain = () => life.perform(() => door.onDrain());
  const forget = life.onEnd(() => connection.destroy());
  connection.onClose = (error) => {
    forget();
    life.perform(() => door.onClose(error));
  };
  return door;
}
