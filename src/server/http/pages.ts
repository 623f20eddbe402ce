/**
 * The HTTP pages of a node: `/metrics`, `/healthz` (the process runs), `/readyz` (client requests are handled),
 * `/api/cluster`.
 */
import type { HttpHandler, HttpResponse } from '../../base/http.ts';
import { type Clock, type Scheduler, yieldTurn } from '../../base/clock.ts';
import type { MetadataImage } from '../../metadata/image.ts';
import { Exposition, expositionContentType } from '../../telemetry/exposition.ts';
import type { Collector } from '../../telemetry/metrics.ts';
import type { Readiness } from './readiness.ts';

export interface PagesOptions {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly image: () => MetadataImage;
  readonly controllerId: () => number | null;
  readonly readiness: () => Readiness;
  readonly collectors: () => readonly Collector[];
  /** Adds the metrics that clients pushed to the page. Yields after a part of them, like a collector. */
  readonly clientMetrics: (page: Exposition) => Iterable<void>;
  /** Called before each scrape: fetches what collectors need from other nodes. */
  readonly prepareMetrics: () => Promise<void>;
  readonly processMetrics: () => Promise<string>;
}

/** How long the metrics page may be made without letting the event loop do other work. */
const sliceMs = 5;

const text = (status: number, body: string): HttpResponse => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

export function pages(options: PagesOptions): HttpHandler {
  const routes: Readonly<Record<string, () => HttpResponse>> = {
    '/metrics': () => ({ status: 200, contentType: expositionContentType, body: metricsText(options) }),
    '/healthz': () => text(200, 'ok'),
    '/readyz': () => {
      const { isReady, body } = options.readiness();
      return text(isReady ? 200 : 503, body);
    },
    '/api/cluster': () => ({
      status: 200,
      contentType: 'application/json',
      body: `${JSON.stringify(clusterOf(options), null, 2)}\n`,
    }),
  };
  return ({ path }) =>
    Object.hasOwn(routes, path)
      ? (routes[path] as () => HttpResponse)()
      : text(404, `This node serves ${Object.keys(routes).join(', ')}.`);
}

/** The text of the metrics page. It is made in slices, so that requests are handled in between. */
async function* metricsText(options: PagesOptions): AsyncGenerator<string> {
  const { clock, scheduler } = options;
  await options.prepareMetrics();
  const exposition = new Exposition();
  let sinceMs = clock.monotonicMs();
  const pause = async (): Promise<void> => {
    if (clock.monotonicMs() - sinceMs < sliceMs) return;
    await yieldTurn(scheduler);
    sinceMs = clock.monotonicMs();
  };
  for (const collect of options.collectors()) {
    for (const _ of collect(exposition.sink) ?? []) await pause();
  }
  for (const _ of options.clientMetrics(exposition)) await pause();
  for (const piece of exposition.texts()) {
    yield piece;
    await pause();
  }
  yield await options.processMetrics();
}

function clusterOf({ nodeId, clusterId, controllerId, image }: PagesOptions): unknown {
  const { cluster, topics } = image();
  return {
    clusterId,
    nodeId,
    controllerId: controllerId() ?? -1,
    brokers: [...cluster.brokers.values()].map(({ id, epoch, rack, fenced, endpoints }) => ({
      id,
      epoch,
      rack,
      state: fenced ? 'fenced' : 'active',
      endpoints: endpoints.map(({ name, host, port }) => ({ listener: name, host, port })),
    })),
    topicCount: topics.size,
  };
}
