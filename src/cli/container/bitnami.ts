/**
 * Translates the variables of the image bitnami/kafka: KAFKA_CFG_ followed by the name of the property, and variables of other
 * names for users and passwords. As in that image, the variables KAFKA_CFG_* are ignored when a server.properties is mounted.
 */
import { Draft, isYes, propertyVariables } from './draft.ts';
import { addPackagedDefaults, packagedDefaults } from './packaged-defaults.ts';
import { ContainerError, type ContainerInput } from './types.ts';

const mountedFolders = ['/bitnami/kafka/config', '/opt/bitnami/kafka/config'];
const clientPrefix = 'org.apache.kafka.common.security';

/**
 * Returns the value of a variable. When the variable with the suffix _FILE is set, it returns the text of the file that it
 * names.
 */
function variable(input: ContainerInput, name: string): string | undefined {
  const path = input.env[`${name}_FILE`];
  if (path === undefined || path === '') return input.env[name];
  const text = input.readFile(path);
  if (text === null) throw new ContainerError(`${name}_FILE=${path}: there is no such file.`);
  return text.replace(/\r?\n$/, '');
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(/[,; ]+/).filter((one) => one !== '');
}

interface Users {
  readonly names: readonly string[];
  readonly passwords: readonly string[];
}

function clientUsers(input: ContainerInput): Users {
  const names = listOf(variable(input, 'KAFKA_CLIENT_USERS'));
  const passwords = listOf(variable(input, 'KAFKA_CLIENT_PASSWORDS'));
  if (names.length !== passwords.length)
    throw new ContainerError(
      `KAFKA_CLIENT_USERS has ${names.length} users and KAFKA_CLIENT_PASSWORDS ${passwords.length} passwords: give each user one.`,
    );
  return { names, passwords };
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Sets the login module, with its users, for each listener with SASL and each mechanism. */
function addLogins(draft: Draft, input: ContainerInput, users: Users): void {
  const map = (draft.get('listener.security.protocol.map') ?? '')
    .split(',')
    .map((pair) => pair.trim().split(':'));
  const saslListeners = map
    .filter(([, protocol]) => protocol?.startsWith('SASL_'))
    .map(([name]) => name as string);
  const mechanisms = listOf(draft.get('sasl.enabled.mechanisms') ?? 'PLAIN');
  const controllers = listOf(draft.get('controller.listener.names'));
  for (const listener of saslListeners) {
    const own = controllers.includes(listener) ? 'KAFKA_CONTROLLER' : 'KAFKA_INTER_BROKER';
    const name =
      input.env[`${own}_USER`] ?? (own === 'KAFKA_CONTROLLER' ? 'controller_user' : 'inter_broker_user');
    const password = variable(input, `${own}_PASSWORD`);
    const login = password === undefined ? '' : ` username=${quoted(name)} password=${quoted(password)}`;
    const all =
      password === undefined
        ? users
        : { names: [...users.names, name], passwords: [...users.passwords, password] };
    for (const mechanism of mechanisms) {
      const module =
        mechanism === 'PLAIN'
          ? 'plain.PlainLoginModule'
          : mechanism.startsWith('SCRAM')
            ? 'scram.ScramLoginModule'
            : null;
      if (module === null) continue;
      const known =
        mechanism === 'PLAIN'
          ? all.names.map((user, i) => ` user_${user}=${quoted(all.passwords[i] as string)}`).join('')
          : '';
      draft.setDefault(
        `listener.name.${listener.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`,
        `${clientPrefix}.${module} required${login}${known};`,
        'KAFKA_CLIENT_USERS and its kind',
      );
    }
  }
}

function addTls(draft: Draft, input: ContainerInput): void {
  const type = input.env.KAFKA_TLS_TYPE?.toUpperCase();
  if (type === undefined) return;
  const origin = 'KAFKA_TLS_TYPE';
  const folder = mountedFolders.map((one) => `${input.root}${one}/certs`);
  const find = (name: string): string | null =>
    folder.map((one) => `${one}/${name}`).find((path) => input.readFile(path) !== null) ?? null;
  const password = variable(input, 'KAFKA_CERTIFICATE_PASSWORD');
  draft.setDefault('ssl.keystore.type', type, origin);
  draft.setDefault('ssl.truststore.type', type, origin);
  if (password !== undefined) draft.setDefault('ssl.key.password', password, 'KAFKA_CERTIFICATE_PASSWORD');
  const clientAuth = input.env.KAFKA_TLS_CLIENT_AUTH;
  if (clientAuth !== undefined) draft.setDefault('ssl.client.auth', clientAuth, 'KAFKA_TLS_CLIENT_AUTH');
  const files: readonly [name: string, key: string][] =
    type === 'PEM'
      ? [
          ['kafka.keystore.pem', 'ssl.keystore.certificate.chain'],
          ['kafka.keystore.key', 'ssl.keystore.key'],
          ['kafka.truststore.pem', 'ssl.truststore.certificates'],
        ]
      : [
          ['kafka.keystore.jks', 'ssl.keystore.location'],
          ['kafka.truststore.jks', 'ssl.truststore.location'],
        ];
  for (const [name, key] of files) {
    const path = find(name);
    if (path === null)
      throw new ContainerError(`KAFKA_TLS_TYPE=${type}: there is no ${name} in ${folder.join(' or ')}.`);
    draft.setDefault(key, type === 'PEM' ? (input.readFile(path) as string) : path, path);
  }
  if (type !== 'PEM' && password !== undefined)
    for (const key of ['ssl.keystore.password', 'ssl.truststore.password'])
      draft.setDefault(key, password, 'KAFKA_CERTIFICATE_PASSWORD');
}

export function bitnamiProperties(input: ContainerInput): Draft {
  const draft = new Draft();
  const users = clientUsers(input);
  const mounted = mountedFolders
    .map((one) => `${input.root}${one}/server.properties`)
    .find((path) => input.readFile(path) !== null);
  if (mounted !== undefined) {
    draft.addFile(input.readFile(mounted) as string, mounted);
    draft.note(`${mounted} is used as it is, without the variables KAFKA_CFG_*, as in the Bitnami image.`);
  } else {
    for (const [name, value] of propertyVariables(input.env, 'KAFKA_CFG_'))
      draft.set(name.slice('KAFKA_CFG_'.length).toLowerCase().replaceAll('_', '.'), value, name);
    const brokerId = input.env.KAFKA_BROKER_ID;
    if (brokerId !== undefined) draft.setDefault('broker.id', brokerId, 'KAFKA_BROKER_ID');
    const isOld = draft.get('zookeeper.connect') !== undefined && !isYes(input.env.KAFKA_ENABLE_KRAFT);
    // As in the image, the node is broker and controller when no variable sets its roles. Each variable still overrides the
    // property that it names.
    if (!isOld && draft.get('process.roles') === undefined) {
      const id = draft.get('node.id') ?? draft.get('broker.id');
      if (id !== undefined)
        draft.setDefault('controller.quorum.voters', `${id}@localhost:9093`, 'one combined node');
      draft.setDefault('node.id', id ?? (packagedDefaults['node.id'] as string), 'one combined node');
      addPackagedDefaults(draft);
    }
    addLogins(draft, input, users);
    addTls(draft, input);
  }
  draft.setDefault('log.dirs', `${input.root}/bitnami/kafka/data`, 'the volume of the image');
  return draft;
}

/**
 * Returns arguments for `kafka-storage format` that add the users with SCRAM. A cluster has no users to log in with before it
 * is formatted.
 */
export function bitnamiFormatArguments(input: ContainerInput, draft: Draft): string[] {
  const { names, passwords } = clientUsers(input);
  return listOf(draft.get('sasl.enabled.mechanisms'))
    .filter((mechanism) => mechanism.startsWith('SCRAM-'))
    .flatMap((mechanism) =>
      names.flatMap((name, i) => [
        '--add-scram',
        `${mechanism}=[name=${name},password=${passwords[i] as string}]`,
      ]),
    );
}
