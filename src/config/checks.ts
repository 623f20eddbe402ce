/**
 * Checks of single values, for the column `check` of a row. When a row has a check, its bounds are not checked, and its list
 * may have empty and repeated elements; `oneOf` and `nonEmpty` still apply. A check returns why the value is invalid, or null.
 * A text that begins with `!` is the whole error message; otherwise `define.ts` puts the key and the value before it.
 */
import type { PropertyValue } from './define.ts';

/** A level of gzip: 1 to 9, or -1 for the library's default. */
export function gzipLevel(value: PropertyValue): string | null {
  const level = value as number;
  return level === -1 || (level >= 1 && level <= 9) ? null : 'Value must be between 1 and 9 or equal to -1';
}

export function nonEmptyString(value: PropertyValue): string | null {
  return value === '' ? 'String must be non-empty' : null;
}

const hostAndPort = /^(\[[0-9a-fA-F:.%]+\]|[^:/\s]+):(\d{1,5})$/;

/** A list of `{id}@{host}:{port}`. */
export function quorumVoters(value: PropertyValue): string | null {
  const wrong = (value as readonly string[]).some((entry) => {
    const at = entry.indexOf('@');
    return !/^\d+$/.test(entry.slice(0, Math.max(0, at))) || !hostAndPort.test(entry.slice(at + 1));
  });
  return wrong
    ? '!Invalid configuration value for controller.quorum.voters. Each entry should be in the form `{id}@{host}:{port}`.'
    : null;
}

/** A list of `{host}:{port}`. */
export function bootstrapServers(value: PropertyValue): string | null {
  for (const entry of value as readonly string[]) {
    if (!hostAndPort.test(entry)) {
      return `!Failed to parse host name from ${entry} for the configuration controller.quorum.bootstrap.servers. Each entry should be in the form "{host}:{port}"`;
    }
  }
  return null;
}

/** One of the names of Java classes that are accepted. This program can load no class, so it accepts only Kafka's own. */
export function knownClass(...known: string[]): (value: PropertyValue) => string | null {
  return (value) => (known.includes(value as string) ? null : `Class ${String(value)} could not be found.`);
}

/**
 * A Java class that decides what clients may do, such as a policy. A node that ignored it would serve what the class refuses,
 * so the node does not start. `otherwise` is what would happen without the class.
 */
export function guardClass(otherwise: string): (value: PropertyValue) => string {
  return (value) =>
    `Class ${String(value)} could not be found. Java classes cannot be loaded, and without the class ${otherwise}. Remove the line to start a node that does so.`;
}

/** A list of `partition:broker`, or `*` alone. */
export function throttledReplicas(value: PropertyValue, name: string): string | null {
  const entries = value as readonly string[];
  if (entries.length === 1 && entries[0] === '*') return null;
  if (entries.every((entry) => /^\d+:\d+$/.test(entry))) return null;
  return `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`;
}

const unitSeconds = [86_400, 3600, 60, 1];

/**
 * Returns the seconds of an ISO 8601 duration in the form that Java's `Duration.parse` accepts, such as `P1DT2H` or `-PT1.5S`;
 * null when it is invalid.
 */
function durationSeconds(text: string): number | null {
  const pattern =
    /^([-+]?)P(?:([-+]?\d+)D)?(?:T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:[.,]\d{0,9})?)S)?)?$/i;
  const parts = pattern.exec(text);
  if (parts === null || /[PT]$/i.test(text)) return null;
  const sums = unitSeconds.map((unit, at) => unit * Number(parts[at + 2]?.replace(',', '.') ?? 0));
  return sums.reduce((a, b) => a + b) * (parts[1] === '-' ? -1 : 1);
}

/** `earliest`, `latest`, or `by_duration:` with an ISO 8601 duration that is not negative. */
export function offsetReset(value: PropertyValue, name: string): string | null {
  const text = value as string;
  if (text === 'earliest' || text === 'latest') return null;
  const seconds = text.startsWith('by_duration:') ? durationSeconds(text.slice('by_duration:'.length)) : null;
  if (seconds !== null && seconds >= 0) return null;
  return `Invalid value \`${text}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`;
}
