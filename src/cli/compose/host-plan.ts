/**
 * Turns the Kafka services of a Compose file into nodes on this machine. A listener gets the port that the file publishes, or a
 * free one. Names of services become 127.0.0.1. Brokers that shared a ZooKeeper become one cluster. Pure.
 */
import { listenersOf, type PlannedListener, protocolOf } from '../container/listeners.ts';
import { planContainer } from '../container/plan.ts';
import type { Dialect, PlannedTopic } from '../container/types.ts';
import type { ComposeService } from './compose-file.ts';

/** A node to start on this machine. */
export interface HostNode {
  readonly service: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly clusterId: string;
  readonly formatArguments: readonly string[];
  readonly topics: readonly PlannedTopic[];
  /** The published listeners, as addresses for clients on this machine. */
  readonly addresses: readonly string[];
}

export interface HostPlan {
  readonly nodes: readonly HostNode[];
  /** Sentences that tell the user what was ignored or changed. */
  readonly notes: readonly string[];
}

export interface HostPlanInput {
  readonly services: readonly ComposeService[];
  /** The names of the services to start. When empty, all services without profiles are started. */
  readonly wanted: readonly string[];
  /** Returns the text of a file that a service mounts, or null when it mounts none at that path. */
  readonly readMounted: (service: ComposeService, path: string) => string | null;
  /** Returns a free port of this machine. */
  readonly freePort: () => number;
  /** The data directory of a node. */
  readonly dataDirectory: (service: string) => string;
}

const images: readonly { readonly pattern: RegExp; readonly dialect: Dialect }[] = [
  { pattern: /(^|\/)cp-(enterprise-)?(kafka|server)(:|@|$)/, dialect: 'confluent' },
  { pattern: /(^|\/)confluent-local(:|@|$)/, dialect: 'confluent' },
  { pattern: /(^|\/)apache\/kafka(-native)?(:|@|$)/, dialect: 'apache' },
  { pattern: /(^|\/)bitnami\w*\/kafka(:|@|$)/, dialect: 'bitnami' },
  { pattern: /(^|\/)wurstmeister\/kafka(:|@|$)/, dialect: 'wurstmeister' },
];

const loopback = '127.0.0.1';
const notServed = /^(SSL|SASL_PLAINTEXT|SASL_SSL)$/;

/** The dialect of the image's variables; null: it is not a Kafka image. */
export function kafkaDialect(image: string): Dialect | null {
  return images.find(({ pattern }) => pattern.test(image))?.dialect ?? null;
}

function textOf(listeners: readonly PlannedListener[]): string {
  return listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(',');
}

/** The properties of a node while they are adapted to this machine. */
class Draft {
  readonly service: ComposeService;
  readonly properties: Map<string, string>;
  readonly clusterId: string;
  readonly formatArguments: readonly string[];
  readonly topics: readonly PlannedTopic[];
  readonly origins: ReadonlyMap<string, string>;
  /** For each port in the container: the port on this machine. */
  readonly hostPorts = new Map<number, number>();

  constructor(service: ComposeService, dialect: Dialect, input: HostPlanInput, notes: string[]) {
    const readFile = (path: string): string | null => input.readMounted(service, path);
    const plan = planContainer({ env: service.environment, dialect, root: '', readFile });
    this.service = service;
    this.properties = new Map([...plan.properties].map(([key, { value }]) => [key, value]));
    this.origins = new Map([...plan.properties].map(([key, { origin }]) => [key, origin]));
    this.clusterId = plan.clusterId;
    this.formatArguments = plan.formatArguments;
    this.topics = plan.topics;
    for (const note of plan.notes) notes.push(`${service.name}: ${note}`);
    for (const { host, container } of service.ports) this.hostPorts.set(container, host);
  }

  get nodeId(): string {
    return this.get('node.id') || this.get('broker.id') || '1';
  }

  get(key: string): string {
    return this.properties.get(key)?.trim() ?? '';
  }

  protocolOf(listener: string): string {
    return protocolOf(listener, this.get('listener.security.protocol.map'));
  }

  isController(listener: string): boolean {
    const names = this.get('controller.listener.names').split(',');
    return names.some((name) => name.trim().toUpperCase() === listener.toUpperCase());
  }
}

/**
 * Removes listeners that need TLS or SASL, which are not supported yet, and all mentions of them. The others, and all listeners
 * of controllers, become PLAINTEXT.
 */
function keepServed(draft: Draft, notes: string[]): void {
  const { properties, service } = draft;
  const all = listenersOf(draft.get('listeners'));
  const kept = all.filter(({ name }) => draft.isController(name) || !notServed.test(draft.protocolOf(name)));
  const left = all.filter((listener) => !kept.includes(listener));
  for (const { name, port } of left)
    notes.push(
      `${service.name}: listener ${name} on ${draft.hostPorts.get(port) ?? port} needs ${draft.protocolOf(name)}, which is not served yet; it is left out.`,
    );
  const names = new Set(kept.map(({ name }) => name));
  properties.set('listeners', textOf(kept));
  if (properties.has('advertised.listeners'))
    properties.set(
      'advertised.listeners',
      textOf(listenersOf(draft.get('advertised.listeners')).filter(({ name }) => names.has(name))),
    );
  const pairs = kept.map(({ name }) => `${name}:PLAINTEXT`);
  properties.set('listener.security.protocol.map', [...new Set(pairs)].join(','));
  const own = kept.find(({ name }) => !draft.isController(name))?.name;
  const between = draft.get('inter.broker.listener.name');
  if (own !== undefined && !names.has(between)) properties.set('inter.broker.listener.name', own);
  const gone =
    /^(sasl\.|ssl\.|listener\.name\.|security\.|super\.users$|authorizer\.class\.name$|allow\.everyone|principal\.builder\.)/;
  // A node does not start with these classes, because it cannot load them.
  const policy = /^((create\.topic|alter\.config)\.policy\.class\.name|client\.quota\.callback\.class)$/;
  const dropped = [...properties.keys()].filter((key) => gone.test(key) || policy.test(key));
  for (const key of dropped) properties.delete(key);
  if (dropped.length > 0)
    notes.push(
      `${service.name}: left out, as neither security nor Java classes are served: ${dropped.sort().join(', ')}.`,
    );
}

/** Brokers that used the same ZooKeeper become one cluster, in which each is also a controller of the metadata quorum. */
function joinByZooKeeper(drafts: readonly Draft[], notes: string[]): void {
  const clusters = new Map<string, Draft[]>();
  for (const draft of drafts) {
    const zooKeeper =
      draft.service.environment.KAFKA_ZOOKEEPER_CONNECT ??
      draft.service.environment.KAFKA_CFG_ZOOKEEPER_CONNECT;
    const isOwnCluster = draft.origins.get('controller.quorum.voters')?.includes('ZooKeeper') === true;
    if (zooKeeper === undefined || !isOwnCluster) continue;
    clusters.set(zooKeeper, [...(clusters.get(zooKeeper) ?? []), draft]);
  }
  for (const members of clusters.values()) {
    if (members.length < 2) continue;
    const voters = members.map((draft) => {
      const controller = listenersOf(draft.get('listeners')).find(({ name }) => draft.isController(name));
      return `${draft.nodeId}@${draft.service.name}:${controller?.port}`;
    });
    for (const { properties, origins } of members) {
      properties.set('controller.quorum.voters', voters.join(','));
      for (const [key, origin] of origins) if (origin === 'one node') properties.delete(key);
      properties.set('offsets.topic.replication.factor', String(Math.min(3, members.length)));
    }
    notes.push(
      `${members.map(({ service }) => service.name).join(', ')} shared a ZooKeeper: they are one cluster.`,
    );
  }
}

/** Gives each listener a port on this machine: the published one, or a free one when its port is not published. */
function givePorts(drafts: readonly Draft[], input: HostPlanInput, notes: string[]): void {
  const taken = new Map<number, string>();
  for (const draft of drafts) {
    const { service, properties } = draft;
    const moved = listenersOf(draft.get('listeners')).map((listener) => {
      const port = draft.hostPorts.get(listener.port) ?? input.freePort();
      draft.hostPorts.set(listener.port, port);
      const other = taken.get(port);
      if (other !== undefined) notes.push(`${service.name}: port ${port} is that of ${other} too.`);
      taken.set(port, service.name);
      return { ...listener, host: loopback, port };
    });
    properties.set('listeners', textOf(moved));
  }
}

/** Returns the address on this machine for a port of the node `host`; null when none of `drafts` has that host name. */
function moved(host: string, port: number, drafts: readonly Draft[]): { host: string; port: number } | null {
  const draft = drafts.find(({ service }) => service.hostNames.includes(host));
  return draft === undefined ? null : { host: loopback, port: draft.hostPorts.get(port) ?? port };
}

function moveAddresses(draft: Draft, drafts: readonly Draft[], notes: string[]): void {
  const { properties, service } = draft;
  for (const key of ['controller.quorum.voters', 'controller.quorum.bootstrap.servers']) {
    const value = properties.get(key);
    if (value === undefined || value === '') continue;
    const entries = value.split(',').map((entry) => {
      const match = /^\s*(?:(\d+)@)?([^:@]+):(\d+)\s*$/.exec(entry);
      if (match === null) return entry;
      const [, id, host, port] = match as unknown as [string, string | undefined, string, string];
      const isOwn = host === 'localhost' || host === loopback || host === '0.0.0.0';
      const place = isOwn
        ? { host: loopback, port: draft.hostPorts.get(Number(port)) ?? Number(port) }
        : moved(host, Number(port), drafts);
      if (place === null) return entry;
      return `${id === undefined ? '' : `${id}@`}${place.host}:${place.port}`;
    });
    properties.set(key, entries.join(','));
  }
  const bound = new Map(listenersOf(draft.get('listeners')).map(({ name, port }) => [name, port]));
  const advertised = listenersOf(draft.get('advertised.listeners')).map((listener) => {
    const isOfFile = drafts.some(({ service: { hostNames } }) => hostNames.includes(listener.host));
    const port = bound.get(listener.name) ?? listener.port;
    if (isOfFile) return { ...listener, host: loopback, port };
    if (port !== listener.port)
      notes.push(
        `${service.name}: ${listener.name} is advertised with port ${listener.port} and published on ${port}; it is advertised with ${port} here.`,
      );
    return { ...listener, port };
  });
  if (advertised.length > 0) properties.set('advertised.listeners', textOf(advertised));
}

function addressesOf(draft: Draft): string[] {
  const published = new Set(draft.service.ports.map(({ host }) => host));
  return listenersOf(draft.get('listeners'))
    .filter(({ name, port }) => published.has(port) && !draft.isController(name))
    .map(({ port }) => `localhost:${port}`);
}

function draftsOf(input: HostPlanInput, notes: string[]): Draft[] {
  const drafts: Draft[] = [];
  const ignored: string[] = [];
  for (const service of input.services) {
    const { name, image, profiles } = service;
    const isWanted = input.wanted.length === 0 ? profiles.length === 0 : input.wanted.includes(name);
    const dialect = kafkaDialect(image);
    if (dialect === null) ignored.push(`${name} (${image || 'built from a Dockerfile'})`);
    else if (isWanted) drafts.push(new Draft(service, dialect, input, notes));
  }
  if (ignored.length > 0) notes.push(`Not started, as they are no Kafka: ${ignored.join(', ')}.`);
  return drafts;
}

export function planHost(input: HostPlanInput): HostPlan {
  const notes: string[] = [];
  const drafts = draftsOf(input, notes);
  for (const draft of drafts) keepServed(draft, notes);
  joinByZooKeeper(drafts, notes);
  givePorts(drafts, input, notes);
  const nodes = drafts.map((draft): HostNode => {
    const { service, properties, clusterId, formatArguments, topics } = draft;
    moveAddresses(draft, drafts, notes);
    properties.set('log.dirs', input.dataDirectory(service.name));
    for (const key of ['log.dir', 'metadata.log.dir']) properties.delete(key);
    return {
      service: service.name,
      properties,
      clusterId,
      formatArguments,
      topics,
      addresses: addressesOf(draft),
    };
  });
  return { nodes, notes };
}
