/**
 * Checks that concern several keys, with Kafka's messages where Kafka has the check, and the warnings at the start of a node:
 * about unknown keys (with the known name that is nearest), keys of older versions, keys whose feature is not built, and a
 * heartbeat interval that is too long.
 */
import type { BrokerValues } from './broker-properties.ts';
import {
  brokerProperties,
  brokerProperty,
  extraKeys,
  extraPrefixes,
  isBrokerKey,
} from './broker-properties.ts';
import { ConfigError, mebibytes, valueText } from './define.ts';
import type { ListenerConfig, SecurityProtocol, VoterConfig } from './listeners.ts';
import { parseListeners, parseProtocolMap } from './listeners.ts';
import { removedProperties } from './tables/removed.ts';
import { noSecurity, reasonWithoutEffect } from './without-effect.ts';

export interface ListenerSetup {
  readonly listeners: readonly ListenerConfig[];
  readonly advertised: readonly ListenerConfig[];
  readonly protocols: ReadonlyMap<string, SecurityProtocol>;
  readonly controllerNames: readonly string[];
  readonly interBrokerName: string;
}

/**
 * Values that are valid one by one but not together. When they were set at run time, Kafka puts "requirement failed: " before
 * the message.
 */
export class RequirementError extends ConfigError {}

export const brokerIdProblem = 'You must set `node.id` to the same value as `broker.id`.';

function protocolMap(
  values: BrokerValues,
  isSet: (key: string) => boolean,
  controllerNames: readonly string[],
) {
  let map: Map<string, SecurityProtocol>;
  try {
    map = parseProtocolMap(values['listener.security.protocol.map']);
  } catch (error) {
    const wrong = /`([^`]*)`/.exec((error as Error).message)?.[1];
    if (wrong === undefined) throw error;
    throw new ConfigError(`Invalid security protocol \`${wrong}\` defined in listener.security.protocol.map`);
  }
  // When the map is not set, listeners of the controller that are not in its default use PLAINTEXT.
  if (!isSet('listener.security.protocol.map')) {
    for (const name of controllerNames) if (!map.has(name)) map.set(name, 'PLAINTEXT');
  }
  return map;
}

function checkDistinct(
  entries: readonly string[],
  listeners: readonly ListenerConfig[],
  ports: boolean,
  report: Report,
): void {
  const shown = entries.join(', ');
  const fail = (what: string): void => {
    const why = `Each listener must have a different ${what}, listeners: [${shown}]`;
    report(new ConfigError(`Error creating broker listeners from '[${shown}]': ${why}`));
  };
  if (new Set(listeners.map((l) => l.name)).size !== listeners.length) fail('name');
  if (!ports) return;
  const seen = new Map<number, ListenerConfig>();
  for (const listener of listeners) {
    const other = seen.get(listener.port);
    // One port may be used twice, once with an IPv4 and once with an IPv6 address. Port 0 means any free port, so it may be
    // repeated.
    if (
      other !== undefined &&
      listener.port !== 0 &&
      other.host.includes(':') === listener.host.includes(':')
    )
      fail('port');
    seen.set(listener.port, listener);
  }
}

function interBrokerName(
  values: BrokerValues,
  isSet: (key: string) => boolean,
  protocols: ReadonlyMap<string, string>,
) {
  const name = values['inter.broker.listener.name'];
  if (name === null) return values['security.inter.broker.protocol'];
  if (isSet('security.inter.broker.protocol')) {
    throw new ConfigError(
      'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
    );
  }
  const upper = name.toUpperCase();
  if (!protocols.has(upper)) {
    throw new ConfigError(
      `Listener with name ${upper} defined in inter.broker.listener.name not found in listener.security.protocol.map.`,
    );
  }
  return upper;
}

function* roleProblems(
  values: BrokerValues,
  voters: readonly VoterConfig[],
  setup: ListenerSetup,
): Generator<string> {
  const roles = values['process.roles'];
  const [broker, controller] = [roles.includes('broker'), roles.includes('controller')];
  const id = values['node.id'];
  if (voters.length === 0 && values['controller.quorum.bootstrap.servers'].length === 0)
    yield 'If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap controllers or controller.quorum.voters must contain a parseable set of controllers.';
  const among = voters.some((voter) => voter.id === id);
  const shown = `controller.quorum.voters=Set(${voters.map((voter) => voter.id).join(', ')})`;
  const names = setup.listeners.map((listener) => listener.name);
  const controllersHere = setup.controllerNames.filter((name) => names.includes(name));
  if (!controller) {
    if (values['controller.quorum.auto.join.enable'])
      yield "controller.quorum.auto.join.enable is only supported when process.roles contains the 'controller' role.";
    if (among)
      yield `If process.roles contains just the 'broker' role, the node id ${id} must not be included in the set of voters ${shown}`;
    if (controllersHere.length > 0)
      yield "controller.listener.names must not contain a value appearing in the 'listeners' configuration when running KRaft with just the broker role";
    const name = setup.controllerNames[0] ?? '';
    const protocol = setup.protocols.get(name) ?? 'PLAINTEXT';
    if (protocol !== 'PLAINTEXT')
      yield `listener.security.protocol.map: the controller listener ${name} has the protocol ${protocol}, which is not supported yet, and this broker would send its requests to the controllers without it. Set ${name}:PLAINTEXT, also on the controllers.`;
  } else {
    if (voters.length > 0 && !among)
      yield `If process.roles contains the 'controller' role, the node id ${id} must be included in the set of voters ${shown}`;
    if (!broker && controllersHere.length !== names.length)
      yield 'The listeners config must only contain KRaft controller listeners from controller.listener.names when process.roles=controller';
    if (controllersHere.length === 0)
      yield "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft controller role";
    if (controllersHere.length !== setup.controllerNames.length)
      yield "controller.listener.names must only contain values appearing in the 'listeners' configuration when running the KRaft controller role";
  }
  const unmapped = setup.controllerNames.find((name) => !setup.protocols.has(name));
  if (unmapped !== undefined)
    yield `Controller listener with name ${unmapped} defined in controller.listener.names not found in listener.security.protocol.map  (an explicit security mapping for each controller listener is required if listener.security.protocol.map is non-empty, or if there are security protocols other than PLAINTEXT in use)`;
}

function* advertisedProblems(setup: ListenerSetup, isSet: (key: string) => boolean): Generator<string> {
  const brokers = setup.advertised.filter((listener) => !setup.controllerNames.includes(listener.name));
  if (brokers.length === 0)
    yield 'There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?';
  // Without advertised.listeners the broker listeners are advertised.
  if ((isSet('advertised.listeners') ? setup.advertised : brokers).some(({ host }) => host === '0.0.0.0'))
    yield 'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.';
  if (isSet('advertised.listeners')) {
    const names = setup.listeners.map((listener) => listener.name);
    if (!brokers.every((listener) => names.includes(listener.name)))
      yield `advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found ${brokers.map((l) => l.name).join(',')}. The valid options based on the current configuration are ${names.join(',')}`;
  }
  const names = brokers.map((listener) => listener.name);
  if (!names.includes(setup.interBrokerName))
    yield `inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid options based on currently configured listeners are ${names.join(',')}`;
}

function* cordonedProblems(cordoned: readonly string[], directories: readonly string[]): Generator<string> {
  if (cordoned.includes('*')) {
    if (cordoned.length > 1) yield 'When cordoned.log.dirs is set to *, it must not contain other values';
    return;
  }
  const missing = cordoned.filter((path) => !directories.includes(path));
  if (missing.length > 0)
    yield `All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${missing.join(', ')}`;
}

function* numberProblems(values: BrokerValues): Generator<string> {
  const retention =
    values['log.retention.ms'] ?? values['log.retention.minutes'] ?? values['log.retention.hours'];
  if (retention === 0) yield 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1';
  if ((values['log.roll.ms'] ?? 1) < 1) yield 'log.roll.ms must be greater than or equal to 1';
  if ((values['log.roll.jitter.ms'] ?? 0) < 0) yield 'log.roll.jitter.ms must be greater than or equal to 0';
  if (Math.floor(values['log.cleaner.dedupe.buffer.size'] / values['log.cleaner.threads']) <= mebibytes(1))
    yield 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.';
  if (values['max.connections.per.ip'] <= 0 && values['max.connections.per.ip.overrides'] === '')
    yield 'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.';
  yield* cordonedProblems(values['cordoned.log.dirs'], values['log.dirs'] ?? values['log.dir']);
  const wait = values['replica.fetch.wait.max.ms'];
  if (wait > values['replica.socket.timeout.ms'])
    yield 'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts';
  if (wait > values['replica.lag.time.max.ms'])
    yield 'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR';
  const queued = values['queued.max.request.bytes'];
  if (values['remote.log.storage.system.enable'])
    yield 'remote.log.storage.system.enable=true: tiered storage is not built here, and records would stay on the local disks for ever. Remove the line.';
  if (queued > 0 && queued < values['socket.request.max.bytes'])
    yield 'queued.max.request.bytes must be larger or equal to socket.request.max.bytes';
  const kinds = [
    [
      'group.consumer.heartbeat.interval.ms',
      'group.consumer.min.heartbeat.interval.ms',
      'group.consumer.max.heartbeat.interval.ms',
    ],
    [
      'group.consumer.session.timeout.ms',
      'group.consumer.min.session.timeout.ms',
      'group.consumer.max.session.timeout.ms',
    ],
  ] as const;
  for (const [key, min, max] of kinds) {
    if (values[max] < values[min]) yield `${max} must be greater than or equal to ${min}`;
    if (values[key] < values[min]) yield `${key} must be greater than or equal to ${min}`;
    if (values[key] > values[max]) yield `${key} must be less than or equal to ${max}`;
  }
}

/** Yields problems of the properties for HTTP pages, which Kafka does not have. */
function* httpProblems(values: BrokerValues, { listeners }: ListenerSetup): Generator<string> {
  const known = listeners.map(({ name }) => name);
  const unknown = values['http.listeners'].find((name) => !known.includes(name.toUpperCase()));
  if (unknown !== undefined)
    yield `http.listeners names ${unknown.toUpperCase()}, which is not one of the listeners: ${known.join(', ')}`;
  const port = values['metrics.port'];
  const taker = listeners.find((listener) => port > 0 && listener.port === port);
  if (taker !== undefined)
    yield `metrics.port is ${port}, which is the port of listener ${taker.name}: choose another port, or set http.listeners=${taker.name} instead of metrics.port`;
}

/** Called for each problem. The checks end when it throws. */
type Report = (error: ConfigError) => void;

/**
 * Parses the listeners. Throws a `ConfigError` when they, their security protocols or the name of the listener between brokers
 * are invalid. Calls `report` for each name or port that two listeners share.
 */
export function listenerSetup(
  values: BrokerValues,
  isSet: (key: string) => boolean,
  report: Report,
): ListenerSetup {
  const controllerNames = values['controller.listener.names'].map((name) => name.toUpperCase());
  const protocols = protocolMap(values, isSet, controllerNames);
  const listeners = parseListeners('listeners', values.listeners, protocols);
  checkDistinct(values.listeners, listeners, true, report);
  const said = values['advertised.listeners'];
  const advertised = said === null ? listeners : parseListeners('advertised.listeners', said, protocols);
  if (said !== null) checkDistinct(said, advertised, false, report);
  const isBroker = values['process.roles'].includes('broker');
  return {
    listeners,
    advertised,
    protocols,
    controllerNames,
    interBrokerName: isBroker ? interBrokerName(values, isSet, protocols) : '',
  };
}

/**
 * Yields the message of each problem that concerns several keys. `setup` is null when `listenerSetup` has thrown an error; the
 * listeners and roles are then not checked. The roles are also not checked when `process.roles` or `node.id` is not known.
 */
export function* problemsTogether(
  values: BrokerValues,
  isSet: (key: string) => boolean,
  voters: readonly VoterConfig[],
  setup: ListenerSetup | null,
): Generator<string> {
  const [roles, id] = [values['process.roles'], values['node.id']];
  if (setup !== null && roles.length > 0 && id >= 0) {
    yield* roleProblems(values, voters, setup);
    if (roles.includes('broker')) yield* advertisedProblems(setup, isSet);
  }
  yield* numberProblems(values);
  if (setup !== null) yield* httpProblems(values, setup);
}

/** Parses the listeners and makes all checks that concern several keys. Throws a `ConfigError` for the first problem. */
export function checkTogether(
  values: BrokerValues,
  isSet: (key: string) => boolean,
  voters: readonly VoterConfig[],
): ListenerSetup {
  if (isSet('broker.id') && values['broker.id'] !== values['node.id'])
    throw new RequirementError(brokerIdProblem);
  const setup = listenerSetup(values, isSet, (error) => {
    throw error;
  });
  for (const message of problemsTogether(values, isSet, voters, setup)) throw new RequirementError(message);
  return setup;
}

/** Returns the number of insertions, removals and changes of one character that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** Returns the name among `names` that the user probably meant by `name`, or null when none is similar. */
export function nearest(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(name.length / 5)) + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const steps = distance(name, candidate);
    if (steps < bestDistance) [best, bestDistance] = [candidate, steps];
  }
  return best;
}

/** Returns the warnings about the keys of a properties file, which a node logs at its start. */
export function warningsOf(originals: ReadonlyMap<string, string>, values: BrokerValues): string[] {
  const warnings: string[] = [];
  for (const key of originals.keys()) {
    if (isBrokerKey(key)) {
      const property = brokerProperties[key];
      const isDefault = valueText(property, values[key]) === valueText(property, property.default ?? null);
      if (property.effect === 'missing' && !isDefault)
        warnings.push(`Configuration ${key} has no effect; remove it. Reason: ${reasonWithoutEffect(key)}`);
    } else if (extraKeys.includes(key)) {
      warnings.push(`Configuration ${key} has no effect; remove it. Reason: ACLs are not built yet.`);
    } else if (removedProperties.includes(key)) {
      warnings.push(`Configuration ${key} does not exist any more in Kafka 4 and has no effect: remove it`);
    } else if (brokerProperty(key)?.effect === 'missing') {
      warnings.push(`Configuration ${key} has no effect; remove it. Reason: ${noSecurity}`);
    } else if (!extraPrefixes.some((prefix) => key.startsWith(prefix))) {
      const meant = nearest(key, Object.keys(brokerProperties));
      warnings.push(
        `Unknown configuration ${key} has no effect${meant === null ? ': remove it, or correct its name' : `; did you mean ${meant}?`}`,
      );
    }
  }
  const [beat, session] = [values['broker.heartbeat.interval.ms'], values['broker.session.timeout.ms']];
  if (beat * 2 > session) {
    warnings.push(
      `broker.heartbeat.interval.ms (${beat} ms) should be at most half of broker.session.timeout.ms (${session} ms), or a running broker may be fenced`,
    );
  }
  return warnings;
}
