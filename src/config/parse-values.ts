/** Parses each value of a properties file by itself. `validate.ts` checks whether the values are valid together. */
import { brokerProperties, type BrokerValues } from './broker-properties.ts';
import { ConfigError, parseValue, type Property, type PropertyValue } from './define.ts';

export const zooKeeperText = `This properties file is for a broker with ZooKeeper: it has no process.roles. Kafka 4 has no ZooKeeper any more, and neither has \
this server: its controllers keep the metadata themselves. Add process.roles=broker,controller, node.id=<the broker.id>, \
controller.listener.names=CONTROLLER, controller.quorum.voters=<node.id>@localhost:9093, and CONTROLLER://:9093 to listeners, remove \
zookeeper.connect, format the directories with kafka-storage, and start again; kraft-config/server.properties is a complete example. \
(Missing required configuration "process.roles" which has no default value.)`;

/** Gives `node.id` the value of `broker.id`, or the other way round, when only one of them is set. */
export function withIdSynonyms(originals: ReadonlyMap<string, string>): Map<string, string> {
  const all = new Map(originals);
  const [node, broker] = [all.get('node.id'), all.get('broker.id')];
  if (node === undefined && broker !== undefined) all.set('node.id', broker);
  if (broker === undefined && node !== undefined) all.set('broker.id', node);
  return all;
}

/** Whether a properties file was written for a broker that used ZooKeeper. */
export function isForZooKeeper(originals: ReadonlyMap<string, string>): boolean {
  if (originals.has('process.roles')) return false;
  return originals.has('zookeeper.connect') || (!originals.has('node.id') && originals.has('broker.id'));
}

/**
 * Parses the values of all keys. Calls `report` with the error when a value is invalid, or when a key that must be set is
 * missing. When `report` does not throw, the key gets its default; a key without a default gets -1 or an empty list.
 */
export function parseValues(
  originals: ReadonlyMap<string, string>,
  report: (error: ConfigError, key: string) => void,
): BrokerValues {
  const values: Record<string, PropertyValue> = {};
  for (const [key, property] of Object.entries<Property>(brokerProperties)) {
    try {
      values[key] = valueOf(key, property, originals.get(key));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      report(error, key);
      const standIn = property.type === 'LIST' ? [] : -1;
      values[key] = property.default === undefined ? standIn : property.default;
    }
  }
  checkPrincipalBuilders(originals, report);
  checkAuthorizer(originals, report);
  return values as unknown as BrokerValues;
}

/**
 * Refuses an authorizer, because ACLs are not built yet. It is accepted when the file itself lets every client do everything as
 * long as there are no ACLs: requests to create ACLs are refused. Without authentication every client is User:ANONYMOUS.
 */
function checkAuthorizer(
  originals: ReadonlyMap<string, string>,
  report: (error: ConfigError, key: string) => void,
): void {
  const key = 'authorizer.class.name';
  const name = originals.get(key)?.trim() ?? '';
  const superUsers = (originals.get('super.users') ?? '').split(';').map((user) => user.trim());
  const isOpenToAll =
    superUsers.includes('User:ANONYMOUS') ||
    originals.get('allow.everyone.if.no.acl.found')?.trim() === 'true';
  if (name === '' || isOpenToAll) return;
  const text = `${key}=${name}: ACLs are not built yet, so every client could read and change everything. Remove the line to start a node without access control, and let only trusted clients reach its ports.`;
  report(new ConfigError(text), key);
}

/** Checks the values of `principal.builder.class` for single listeners, which no code reads. */
function checkPrincipalBuilders(
  originals: ReadonlyMap<string, string>,
  report: (error: ConfigError, key: string) => void,
): void {
  for (const [key, text] of originals) {
    if (!/^listener\.name\.[^.]+\.principal\.builder\.class$/.test(key)) continue;
    try {
      parseValue(key, brokerProperties['principal.builder.class'], text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      report(error, key);
    }
  }
}

function valueOf(key: string, property: Property, text: string | undefined): PropertyValue {
  if (text !== undefined) return parseValue(key, property, text);
  if (property.default !== undefined) return property.default;
  throw new ConfigError(`Missing required configuration "${key}" which has no default value.`);
}

/**
 * Replaces backslashes in a Windows path by slashes, which Windows accepts too. The code here splits and joins paths at
 * slashes.
 */
function withSlashes(path: string): string {
  return /^([A-Za-z]:\\|\\\\)/.test(path) ? path.replaceAll('\\', '/') : path;
}

/** Returns the directories of the partition logs, and the one of the metadata log. */
export function directoriesOf(values: BrokerValues): { logDirs: readonly string[]; metadataLogDir: string } {
  const logDirs = (values['log.dirs'] ?? values['log.dir']).map(withSlashes);
  return { logDirs, metadataLogDir: withSlashes(values['metadata.log.dir'] ?? (logDirs[0] as string)) };
}
