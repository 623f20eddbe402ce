/** Serves the HTTP pages of a node on `metrics.port`, and on the listeners named in `http.listeners`. */
import type { HttpHandler, HttpPort } from '../../base/http.ts';
import type { Listener } from '../../base/network.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import type { Logger } from '../../telemetry/logger.ts';

export class HttpPart {
  readonly #config: NodeConfig;
  readonly #http: HttpPort;
  readonly #logger: Logger;
  #listener: Listener | null = null;

  constructor(config: NodeConfig, http: HttpPort, logger: Logger) {
    this.#config = config;
    this.#http = http;
    this.#logger = logger;
  }

  /** Rejects when the port is in use. */
  async start(handler: HttpHandler): Promise<void> {
    // The names of listeners are converted to capitals when the properties are read, as in Kafka.
    const names = this.#config.get('http.listeners').map((name) => name.toUpperCase());
    const known = this.#config.listeners;
    this.#http.serveOn(
      known.filter(({ name }) => names.includes(name)).map(({ port }) => port),
      handler,
    );
    const port = this.#config.get('metrics.port');
    if (port < 0) return;
    this.#listener = await this.#http.listen({ host: this.#config.get('metrics.host'), port }, handler);
    this.#logger.info('Serving metrics over HTTP', {
      port: this.#listener.address.port,
      path: '/metrics',
    });
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }
}
