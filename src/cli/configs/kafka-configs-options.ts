/**
 * The options of kafka-configs. Its help also lists all keys that can be configured. The tables with these keys are loaded only
 * when the help is printed.
 */
import type { OptionTable } from '../arguments/options.ts';
import { optionsHelp } from '../arguments/options-help.ts';

export const configsOptions: OptionTable = {
  'add-config': { type: 'String', help: '' },
  'add-config-file': {
    type: 'String',
    help: 'Path to a properties file with configs to add. See add-config for a list of valid configurations.',
  },
  all: { help: 'List all configs for the given entity, including static configs if available.' },
  alter: { help: 'Alter the configuration for the entity.' },
  'bootstrap-controller': {
    argument: 'controller to connect to',
    help: 'The Kafka controllers to connect to.',
  },
  'bootstrap-server': { argument: 'server to connect to', help: 'The Kafka servers to connect to.' },
  broker: { type: 'String', help: "The broker's ID." },
  'broker-defaults': { help: 'The config defaults for all brokers.' },
  'broker-logger': { type: 'String', help: "The broker's ID for its logger config." },
  client: { type: 'String', help: "The client's ID." },
  'client-defaults': { help: 'The config defaults for all clients.' },
  'client-metrics': { type: 'String', help: 'The client metrics config resource name.' },
  'command-config': {
    argument: 'command config property file',
    help: 'Property file containing configs to be passed to Admin Client. This is used only with --bootstrap-server option for describing and altering broker configs.',
  },
  'delete-config': { type: 'String', help: "config keys to remove 'k1,k2'" },
  describe: { help: 'List configs for the given entity.' },
  'entity-default': {
    help: 'Default entity name for clients/users/brokers/ips (applies to corresponding entity type)',
  },
  'entity-name': {
    type: 'String',
    help: 'Name of entity (topic name/client id/user principal name/broker id/ip/client metrics/group id)',
  },
  'entity-type': {
    type: 'String',
    help: 'Type of entity (topics/clients/users/brokers/broker-loggers/ips/client-metrics/groups)',
  },
  group: { type: 'String', help: "The group's ID." },
  help: { help: 'Print usage information.' },
  ip: { type: 'String', help: 'The IP address.' },
  'ip-defaults': { help: 'The config defaults for all IPs.' },
  topic: { type: 'String', help: "The topic's name." },
  user: { type: 'String', help: "The user's principal name." },
  'user-defaults': { help: 'The config defaults for all users.' },
  version: { help: 'Display Kafka version.' },
};

interface NamedProperty {
  readonly update?: string;
  readonly internal?: boolean;
}

/** Returns the help, with all keys of each type of entity. */
export async function configsHelp(): Promise<string> {
  const [broker, topic, entities, quotas] = await Promise.all([
    import('../../config/broker-properties.ts'),
    import('../../config/tables/topic.ts'),
    import('../../config/tables/entities.ts'),
    import('./kafka-configs-quotas.ts'),
  ]);
  const names = (table: Readonly<Record<string, NamedProperty>>): string[] =>
    Object.keys(table).filter((name) => table[name]?.internal !== true);
  const brokers: Readonly<Record<string, NamedProperty>> = {
    ...broker.brokerProperties,
    ...broker.dynamicOnlyProperties,
  };
  const lists: [type: string, keys: readonly string[]][] = [
    ['topics', names(topic.topicProperties)],
    ['brokers', names(brokers).filter((name) => brokers[name]?.update !== 'read-only')],
    ['users', [...quotas.scramMechanisms.keys(), ...quotas.clientQuotas]],
    ['clients', quotas.clientQuotas],
    ['ips', quotas.ipQuotas],
    ['client-metrics', names(entities.clientMetricsProperties)],
    ['groups', names(entities.groupProperties)],
  ];
  const listed = lists
    .map(
      ([type, keys]) =>
        `For entity-type '${type}': ${[...keys]
          .sort()
          .map((key) => `\n\t${key}`)
          .join('')}\n`,
    )
    .join('');
  const help = `Key Value pairs of configs to add. Square brackets can be used to group values which contain commas: 'k1=v1,k2=[v1,v2,v2],k3=v3'. The following is a list of valid configurations: ${listed}Entity types 'users' and 'clients' may be specified together to update config for clients of a specific user.`;
  return optionsHelp({ ...configsOptions, 'add-config': { type: 'String', help } });
}
