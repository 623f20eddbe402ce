/**
 * Finds all mistakes of a properties file, for `bendemann doctor`. (A node stops its start at the first mistake.) A problem of
 * several keys is left out when one of them has an invalid value, because that value is already reported.
 */
import { brokerProperty, type BrokerValues, isBrokerKey } from './broker-properties.ts';
import { ConfigError, type Property, validText, valueText } from './define.ts';
import { parseVoters, type VoterConfig } from './listeners.ts';
import { isForZooKeeper, parseValues, withIdSynonyms, zooKeeperText } from './parse-values.ts';
import {
  brokerIdProblem,
  type ListenerSetup,
  listenerSetup,
  nearest,
  problemsTogether,
  warningsOf,
} from './validate.ts';

export interface Problem {
  /** Kafka's message, if Kafka reports this problem. */
  readonly message: string;
  /** The keys that the message names. Keys that the file sets come first. */
  readonly keys: readonly string[];
  /** What to do: what to write into the file (`node.id=1`), `remove the line`, or `what the message says`. */
  readonly remedy: string;
}

export interface Inspection {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /**
   * The values of all keys. A key with an invalid or missing value has its default. A key without a default is then -1
   * (`node.id`) or an empty list.
   */
  readonly values: BrokerValues;
  readonly voters: readonly VoterConfig[];
  /** Null when `listenerSetup` throws an error, or the file is one for ZooKeeper. */
  readonly setup: ListenerSetup | null;
}

export function inspectProperties(given: ReadonlyMap<string, string>): Inspection {
  const problems: Problem[] = [];
  const invalid = new Set<string>();
  const values = parseValues(withIdSynonyms(given), ({ message }, key) => {
    invalid.add(key);
    const isSynonym = key === 'broker.id' && !given.has(key);
    const remedy = removes(message) ? 'remove the line' : remedyOfValue(key, given);
    if (!isSynonym) problems.push({ message, keys: [key], remedy });
  });
  const voters = parseVoters(values['controller.quorum.voters']);
  if (isForZooKeeper(given)) {
    const keys = ['zookeeper.connect', 'broker.id'].filter((key) => given.has(key));
    const problem = { message: zooKeeperText, keys, remedy: 'what the message says' };
    // The message names the keys that are missing. Invalid values are reported too, so that the user finds all of them at once.
    const wrong = problems.filter((one) => one.keys.some((key) => given.has(key) && !keys.includes(key)));
    return {
      problems: [problem, ...wrong],
      warnings: warningsOf(given, values),
      values,
      voters,
      setup: null,
    };
  }
  const add = (message: string): void => {
    const keys = keysIn(message, given);
    if (!keys.some((key) => invalid.has(key)))
      problems.push({ message, keys, remedy: remedyOf(message, keys) });
  };
  const isSet = (key: string): boolean => given.has(key);
  if (isSet('broker.id') && values['broker.id'] !== values['node.id']) add(brokerIdProblem);
  const setup = setupOf(values, isSet, add);
  for (const message of problemsTogether(values, isSet, voters, setup)) add(message);
  return { problems, warnings: warningsOf(given, values), values, voters, setup };
}

function setupOf(
  values: BrokerValues,
  isSet: (key: string) => boolean,
  add: (message: string) => void,
): ListenerSetup | null {
  try {
    return listenerSetup(values, isSet, ({ message }) => add(message));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    add(error.message);
    return null;
  }
}

/** Returns the keys that a message names. Keys that the file sets come first. */
function keysIn(message: string, given: ReadonlyMap<string, string>): string[] {
  const words: string[] = message.match(/[a-z][a-z0-9]*(?:\.[a-z0-9]+)+/g) ?? [];
  if (/broker listeners from|listeners config\b|'listeners'/.test(message)) words.push('listeners');
  const keys = [...new Set(words)].filter(isBrokerKey);
  return [...keys.filter((key) => given.has(key)), ...keys.filter((key) => !given.has(key))];
}

const removes = (message: string): boolean => message.includes('Remove the line');

function remedyOf(message: string, keys: readonly string[]): string {
  if (removes(message)) return 'remove the line';
  return keys.length === 0 ? 'what the message says' : keys.map((key) => `${key}=…`).join(' or ');
}

const examples: Readonly<Record<string, string>> = {
  'process.roles': 'process.roles=broker,controller',
  'node.id': 'node.id=1 (another number for each node)',
};

function remedyOfValue(key: string, given: ReadonlyMap<string, string>): string {
  if (!given.has(key)) {
    const misspelt = [...given.keys()].find((one) => !isBrokerKey(one) && nearest(one, [key]) === key);
    return misspelt === undefined ? (examples[key] ?? `${key}=…`) : `${key}=… instead of ${misspelt}=…`;
  }
  const property = brokerProperty(key) as Property;
  const valid = validText(property);
  const value = `${key}=${valid === '' ? `a value of type ${property.type}` : valid}`;
  if (property.default === undefined) return value;
  return `${value}; without the line it is ${valueText(property, property.default) || 'not set'}`;
}
