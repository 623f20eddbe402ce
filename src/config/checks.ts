/** Checks of single values that are more than a bound or a choice. A text that begins with `!` is Kafka's whole message. */
import type { PropertyValue } from './define.ts';

/** Levels that gzip knows: 1 to 9, and -1 for its own default. */
export function gzipLevel(value: PropertyValue): string | null {
  const level = value as number;
  return level === -1 || (level >= 1 && level <= 9) ? null : 'Value must be between 1 and 9 or equal to -1';
}

export function nonEmptyString(value: PropertyValue): string | null {
  return value === '' ? 'String must be non-empty' : null;
}

const hostAndPort = /^(\[[0-9a-fA-F:.%]+\]|[^:/\s]+):(\d{1,5})$/;

/** `{id}@{host}:{port}` entries. */
export function quorumVoters(value: PropertyValue): string | null {
  const wrong = (value as readonly string[]).some((entry) => {
    const at = entry.indexOf('@');
    return !/^\d+$/.test(entry.slice(0, Math.max(0, at))) || !hostAndPort.test(entry.slice(at + 1));
  });
  return wrong
    ? '!Invalid configuration value for controller.quorum.voters. Each entry should be in the form `{id}@{host}:{port}`.'
    : null;
}

/** `{host}:{port}` entries. */
export function bootstrapServers(value: PropertyValue): string | null {
  for (const entry of value as readonly string[]) {
    if (!hostAndPort.test(entry)) {
      return `!Failed to parse host name from ${entry} for the configuration controller.quorum.bootstrap.servers. Each entry should be in the form "{host}:{port}"`;
    }
  }
  return null;
}

/** `partition:broker` entries, or `*` alone. */
/** Kafka's own two; a class of somebody else can't be loaded here. */
export function replicaSelectorClass(value: PropertyValue, name: string): string | null {
  const known = ['RackAwareReplicaSelector', 'LeaderSelector'];
  if (known.some((one) => value === `org.apache.kafka.common.replica.${one}`)) return null;
  return `Invalid value ${String(value)} for configuration ${name}: Class ${String(value)} could not be found.`;
}

export function throttledReplicas(value: PropertyValue, name: string): string | null {
  const entries = value as readonly string[];
  if (entries.length === 1 && entries[0] === '*') return null;
  if (entries.every((entry) => /^\d+:\d+$/.test(entry))) return null;
  return `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`;
}
