/**
 * Computes from the environment of a container what its node needs: the dialect, the properties with their origins, the cluster
 * id, the topics to create, and notes about what was ignored. Pure: the same input gives the same plan.
 */
import { brokerProperties, isBrokerKey } from '../../config/broker-properties.ts';
import { apacheProperties, confluentProperties } from './apache.ts';
import { bitnamiFormatArguments, bitnamiProperties } from './bitnami.ts';
import { chooseDialect } from './choose-dialect.ts';
import { isZooKeeperBroker, makeCombined } from './combined-node.ts';
import { type Draft, jvmVariables } from './draft.ts';
import {
  ContainerError,
  type ContainerInput,
  type ContainerPlan,
  type Dialect,
  type Environment,
  type PlannedTopic,
} from './types.ts';
import { wurstmeisterProperties } from './wurstmeister.ts';

const translations: Readonly<Record<Dialect, (input: ContainerInput) => Draft>> = {
  apache: apacheProperties,
  confluent: confluentProperties,
  bitnami: bitnamiProperties,
  wurstmeister: wurstmeisterProperties,
};

/** The cluster id that the image apache/kafka uses when none is given. */
const packagedClusterId = '5L6g3nShT-eMCtK--X86sw';
const clusterIdVariables = ['CLUSTER_ID', 'KAFKA_CLUSTER_ID', 'KAFKA_KRAFT_CLUSTER_ID'];

/** Parses KAFKA_CREATE_TOPICS: `name:partitions:replicas[:cleanup.policy]`, separated by commas. */
function topicsOf(env: Environment): PlannedTopic[] {
  const text = env.KAFKA_CREATE_TOPICS ?? '';
  const separator = env.KAFKA_CREATE_TOPICS_SEPARATOR ?? ',';
  const words = text
    .split(/^\$?'?\\n'?$/.test(separator) ? '\n' : separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
  return words.map((word) => {
    const match = /^([A-Za-z0-9._-]+):(\d+):(\d+)(?::(\S*))?$/.exec(word);
    if (match === null)
      throw new ContainerError(
        `KAFKA_CREATE_TOPICS: "${word}" is not name:partitions:replicas or name:partitions:replicas:cleanup.policy.`,
      );
    return {
      name: match[1] as string,
      partitions: Number(match[2]),
      replicationFactor: Number(match[3]),
      cleanupPolicy: match[4] || null,
    };
  });
}

/**
 * Returns the arguments of `kafka-storage format` that say who the first voters are, for a quorum without
 * controller.quorum.voters.
 */
function quorumArguments(draft: Draft, env: Environment): string[] {
  const isController = draft.get('process.roles')?.includes('controller') ?? false;
  if (!isController || (draft.get('controller.quorum.voters') ?? '') !== '') return [];
  const initial = env.KAFKA_INITIAL_CONTROLLERS;
  if (initial !== undefined && initial !== '') return ['--initial-controllers', initial];
  const others = (draft.get('controller.quorum.bootstrap.servers') ?? '').split(',');
  if (others.length <= 1) return ['--standalone'];
  throw new ContainerError(
    'controller.quorum.bootstrap.servers names several controllers and controller.quorum.voters none: set KAFKA_CONTROLLER_QUORUM_VOTERS to id@host:port of each, or KAFKA_INITIAL_CONTROLLERS to id@host:port:directoryId of each.',
  );
}

function noteRest(draft: Draft, env: Environment): void {
  const java = jvmVariables.filter((name) => env[name] !== undefined && env[name] !== '');
  if (java.length > 0)
    draft.note(
      `${java.join(', ')}: there is no Java machine here, so these have no effect (metrics: metrics.port).`,
    );
}

/** Throws `ContainerError` when the variables contradict each other. */
export function planContainer(input: ContainerInput): ContainerPlan {
  const { dialect, why } = chooseDialect(input.env, input.dialect);
  const draft = translations[dialect](input);
  if (isZooKeeperBroker(draft)) makeCombined(draft);
  const given = clusterIdVariables.map((name) => input.env[name]).find((id) => id !== undefined && id !== '');
  noteRest(draft, input.env);
  return {
    dialect,
    why,
    properties: draft.properties,
    clusterId: given ?? packagedClusterId,
    formatArguments: [
      ...quorumArguments(draft, input.env),
      ...(dialect === 'bitnami' ? bitnamiFormatArguments(input, draft) : []),
    ],
    topics: topicsOf(input.env),
    notes: draft.notes,
  };
}

/** Whether the value of `key` must not be printed. The key may have the prefix of a listener or of a mechanism. */
export function isSecret(key: string): boolean {
  const own = key.replace(/^listener\.name\.[^.]+\./, '').replace(/^[^.]+\.(?=sasl\.jaas\.config$)/, '');
  const type = isBrokerKey(own) ? brokerProperties[own].type : null;
  return type === 'PASSWORD' || /password|secret|jaas|token|credential/i.test(key);
}

/** Returns the text about the plan that the container prints at its start. */
export function describePlan(plan: ContainerPlan): string {
  const lines = [...plan.properties].map(
    ([key, { value, origin }]) =>
      `  ${key}=${isSecret(key) ? '[hidden]' : value.replaceAll('\n', '\\n')}  (${origin})`,
  );
  return [
    `Environment variables are read as those of the ${plan.dialect} image: ${plan.why}.`,
    'Properties of this node:',
    ...lines.sort(),
    ...plan.notes.map((note) => `Note: ${note}`),
    '',
  ].join('\n');
}
