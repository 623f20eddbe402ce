/**
 * Turns the properties of a broker that used ZooKeeper into those of a combined node, which is broker and controller. There is
 * no ZooKeeper here. Each container becomes a cluster of one node, because it cannot know which others used the same ZooKeeper.
 */
import { addOneNodeDefaults } from './packaged-defaults.ts';
import type { Draft } from './draft.ts';

const origin = 'one combined node in place of ZooKeeper';
const deadKeys =
  /^(zookeeper\.|inter\.broker\.protocol\.version$|log\.message\.format\.version$|port$|host\.name$|advertised\.(host\.name|port)$)/;

function portsOf(listeners: string): number[] {
  return [...listeners.matchAll(/:(\d+)(?=,|\s|$)/g)].map((found) => Number(found[1]));
}

/** Whether the properties are those of a broker that used ZooKeeper, which have no process.roles. */
export function isZooKeeperBroker(draft: Draft): boolean {
  return draft.get('process.roles') === undefined;
}

/** Brokers of old releases had properties for one host and port. This sets `listeners` and `advertised.listeners` from them. */
function listenersOfOldKeys(draft: Draft): void {
  const port = draft.get('port') ?? '9092';
  draft.setDefault('listeners', `PLAINTEXT://${draft.get('host.name') ?? ''}:${port}`, 'port and host.name');
  const host = draft.get('advertised.host.name');
  const advertisedPort = draft.get('advertised.port');
  if (host === undefined && advertisedPort === undefined) return;
  draft.setDefault(
    'advertised.listeners',
    `PLAINTEXT://${host ?? draft.get('host.name') ?? 'localhost'}:${advertisedPort ?? port}`,
    'advertised.host.name and advertised.port',
  );
}

/**
 * Adds the controller listener `name` to the security protocol map, if there is a map and the name is missing in it. Without a
 * map, controller listeners are PLAINTEXT anyway.
 */
function mapListener(draft: Draft, name: string): void {
  const map = draft.properties.get('listener.security.protocol.map');
  if (
    map === undefined ||
    map.value
      .toUpperCase()
      .split(',')
      .some((pair) => pair.trim().startsWith(`${name}:`))
  )
    return;
  draft.set(
    'listener.security.protocol.map',
    `${map.value},${name}:PLAINTEXT`,
    `${map.origin}, and ${origin}`,
  );
}

export function makeCombined(draft: Draft): void {
  listenersOfOldKeys(draft);
  const left = [...draft.properties.keys()].filter((key) => deadKeys.test(key));
  for (const key of left) draft.take(key);
  const given = draft.get('node.id') ?? draft.get('broker.id');
  const id = given === undefined || Number(given) < 0 ? '1' : given;
  draft.take('broker.id');
  draft.set('node.id', id, given === id ? 'broker.id' : origin);
  draft.set('process.roles', 'broker,controller', origin);
  const listeners = draft.properties.get('listeners');
  const taken = portsOf(`${listeners?.value ?? ''},${draft.get('advertised.listeners') ?? ''}`);
  const port = [9093, 19_093, 29_093, 39_093, 49_093].find((one) => !taken.includes(one)) as number;
  draft.set(
    'listeners',
    `${listeners?.value},CONTROLLER://localhost:${port}`,
    `${listeners?.origin}, and ${origin}`,
  );
  draft.set('controller.listener.names', 'CONTROLLER', origin);
  draft.set('controller.quorum.voters', `${id}@localhost:${port}`, origin);
  mapListener(draft, 'CONTROLLER');
  addOneNodeDefaults(draft);
  const usesZooKeeper = left.some((key) => key.startsWith('zookeeper.'));
  draft.note(
    `${usesZooKeeper ? 'There is no ZooKeeper here' : 'process.roles is not set'}: this container is a whole cluster of one node${left.length === 0 ? '' : ` (left out: ${left.join(', ')})`}. For several nodes set the process roles, the node id and the controller quorum voters on each.`,
  );
}
