/**
 * Translates the variables of the images apache/kafka and confluentinc/cp-kafka: KAFKA_ followed by the name of the property.
 * apache/kafka also reads a mounted server.properties, which the variables override. Both images read passwords of key stores
 * from mounted files.
 */
import { Draft, propertyName, propertyVariables } from './draft.ts';
import { addPackagedDefaults } from './packaged-defaults.ts';
import { ContainerError, type ContainerInput } from './types.ts';

const mountedFile = '/mnt/shared/config/server.properties';
const secrets = '/etc/kafka/secrets';

/**
 * Variables whose value is the name of a file in the mounted folder of secrets. The file is the key store, or contains the
 * password (`isText`).
 */
const secretFiles: readonly { variable: string; key: string; isText: boolean }[] = [
  { variable: 'KAFKA_SSL_KEYSTORE_FILENAME', key: 'ssl.keystore.location', isText: false },
  { variable: 'KAFKA_SSL_KEYSTORE_CREDENTIALS', key: 'ssl.keystore.password', isText: true },
  { variable: 'KAFKA_SSL_KEY_CREDENTIALS', key: 'ssl.key.password', isText: true },
  { variable: 'KAFKA_SSL_TRUSTSTORE_FILENAME', key: 'ssl.truststore.location', isText: false },
  { variable: 'KAFKA_SSL_TRUSTSTORE_CREDENTIALS', key: 'ssl.truststore.password', isText: true },
];

function addSecrets(draft: Draft, input: ContainerInput): void {
  for (const { variable, key, isText } of secretFiles) {
    const name = input.env[variable];
    if (name === undefined || name === '') continue;
    const path = `${input.root}${secrets}/${name}`;
    const text = input.readFile(path);
    if (text === null)
      throw new ContainerError(
        `${variable}=${name}: there is no file ${path}. Mount the folder with it at ${input.root}${secrets}.`,
      );
    draft.set(key, isText ? text.replace(/\r?\n$/, '') : path, `${variable} (${path})`);
  }
}

/** Sets the properties that the variables `KAFKA_*` name. */
function addVariables(draft: Draft, input: ContainerInput): void {
  for (const [name, value] of propertyVariables(input.env, 'KAFKA_')) {
    if (secretFiles.some(({ variable }) => variable === name)) continue;
    // In a Compose file an empty value is how a variable is left unset.
    if (value === '') continue;
    draft.set(propertyName(name.slice('KAFKA_'.length)), value, name);
  }
}

function checkController(draft: Draft): void {
  if (draft.get('process.roles')?.trim() !== 'controller') return;
  if (draft.get('advertised.listeners') !== undefined)
    throw new ContainerError(
      'KAFKA_ADVERTISED_LISTENERS is not supported on a KRaft controller. Remove it, or add broker to KAFKA_PROCESS_ROLES.',
    );
}

/** The images bind every advertised port on every address when `listeners` is not set. */
function deriveListeners(draft: Draft): void {
  const advertised = draft.get('advertised.listeners');
  if (advertised === undefined) return;
  const all = advertised.replace(/:\/\/(\[[^\]]*\]|[^:,]*):/g, '://0.0.0.0:');
  draft.setDefault('listeners', all, 'hosts of advertised.listeners replaced by 0.0.0.0');
}

function draftFrom(input: ContainerInput, file: string | null): Draft {
  const draft = new Draft();
  const text = file === null ? null : input.readFile(file);
  if (text !== null) draft.addFile(text, file as string);
  addVariables(draft, input);
  addSecrets(draft, input);
  checkController(draft);
  return draft;
}

export function apacheProperties(input: ContainerInput): Draft {
  const draft = draftFrom(input, `${input.root}${mountedFile}`);
  // As in the image, the packaged defaults apply only when neither a file nor a variable sets any property.
  if (draft.properties.size === 0) addPackagedDefaults(draft);
  deriveListeners(draft);
  draft.setDefault('log.dirs', `${input.root}/var/lib/kafka/data`, 'the volume of the image');
  return draft;
}

export function confluentProperties(input: ContainerInput): Draft {
  const draft = draftFrom(input, null);
  for (const key of [...draft.properties.keys()].filter((name) => name.startsWith('confluent.'))) {
    draft.take(key);
    draft.note(`${key} belongs to the Confluent Platform; it has no effect here.`);
  }
  if (draft.properties.size === 0) addPackagedDefaults(draft);
  deriveListeners(draft);
  draft.setDefault('log.dirs', `${input.root}/var/lib/kafka/data`, 'the volume of the image');
  return draft;
}
