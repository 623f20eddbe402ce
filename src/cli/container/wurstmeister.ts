/**
 * Translates the variables of the image wurstmeister/kafka: KAFKA_ followed by the name of the property, where each underscore
 * stands for a dot. Variables for host and port become listeners. Some variables of that image are commands (HOSTNAME_COMMAND
 * and others); `docker-entrypoint.ts` has run them before, and their output is in KAFKA_ADVERTISED_HOST_NAME, KAFKA_BROKER_ID,
 * KAFKA_BROKER_RACK and PORT_COMMAND_OUTPUT.
 */
import { Draft, propertyVariables } from './draft.ts';
import type { ContainerInput } from './types.ts';

const notProperties = ['KAFKA_ADVERTISED_PROTOCOL_NAME', 'KAFKA_PROTOCOL_NAME'];

/** Sets the listeners from variables that each hold a part of a listener: its name (KAFKA_PROTOCOL_NAME), host or port. */
function listenersOfParts(draft: Draft, { env }: ContainerInput): void {
  const outside = env.KAFKA_ADVERTISED_PROTOCOL_NAME;
  const inside = env.KAFKA_PROTOCOL_NAME ?? outside;
  if (draft.get('listener.security.protocol.map') === undefined) return;
  const port = draft.get('port') ?? '9092';
  const advertisedPort = draft.get('advertised.port');
  const listeners: string[] = [];
  const advertised: string[] = [];
  if (outside !== undefined && advertisedPort !== undefined) {
    listeners.push(`${outside}://:${advertisedPort}`);
    advertised.push(`${outside}://${draft.get('advertised.host.name') ?? ''}:${advertisedPort}`);
  }
  if (inside !== undefined && (inside !== outside || listeners.length === 0)) {
    listeners.push(`${inside}://${draft.get('host.name') ?? ''}:${port}`);
    advertised.push(`${inside}://${draft.get('host.name') ?? ''}:${port}`);
  }
  if (listeners.length === 0) return;
  const origin = 'KAFKA_PROTOCOL_NAME, KAFKA_ADVERTISED_PROTOCOL_NAME and their ports';
  draft.setDefault('listeners', listeners.join(','), origin);
  draft.setDefault('advertised.listeners', advertised.join(','), origin);
  if (inside !== undefined) draft.setDefault('inter.broker.listener.name', inside, origin);
}

export function wurstmeisterProperties(input: ContainerInput): Draft {
  const { env } = input;
  const draft = new Draft();
  for (const [name, value] of propertyVariables(env, 'KAFKA_')) {
    if (notProperties.includes(name)) continue;
    const filled = value
      .replaceAll('_{HOSTNAME_COMMAND}', env.KAFKA_ADVERTISED_HOST_NAME ?? '')
      .replaceAll('_{PORT_COMMAND}', env.PORT_COMMAND_OUTPUT ?? '');
    draft.set(name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'), filled, name);
  }
  listenersOfParts(draft, input);
  // The image uses a folder with the name of the container. A new container on the same volume would not find it again.
  draft.setDefault('log.dirs', `${input.root}/kafka/kafka-logs`, 'the volume of the image');
  if (env.CUSTOM_INIT_SCRIPT !== undefined) draft.note('CUSTOM_INIT_SCRIPT is not run.');
  return draft;
}
