/** Parses values of a properties file that contain addresses: listeners, voters, bootstrap servers. */
import type { Address } from '../base/network.ts';
import type { NodeId } from '../base/ids.ts';
import { nodeId } from '../base/ids.ts';
import { ConfigError, splitList } from './define.ts';

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
const securityProtocols: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

export interface ListenerConfig {
  /** In upper case, such as PLAINTEXT, CONTROLLER, EXTERNAL. */
  readonly name: string;
  /**
   * In `listeners` an empty host means every address of the machine; in `advertised.listeners` it means that no host was set.
   * An IPv6 address is stored without brackets.
   */
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: SecurityProtocol;
}

export interface VoterConfig extends Address {
  readonly id: NodeId;
}

/** Parses `NAME:PROTOCOL` pairs. */
export function parseProtocolMap(text: string): Map<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>();
  for (const pair of splitList(text)) {
    const [name, protocol, rest] = pair.split(':');
    if (name === undefined || protocol === undefined || rest !== undefined) {
      throw new ConfigError(`Error creating listener security protocol map: ${text}, expected NAME:PROTOCOL`);
    }
    if (!securityProtocols.includes(protocol))
      throw new ConfigError(`Invalid security protocol \`${protocol}\` for listener ${name}`);
    map.set(name.trim().toUpperCase(), protocol as SecurityProtocol);
  }
  return map;
}

const endpoint = /^([^:/]+):\/\/(?:\[([^\]]*)\]|([^:]*)):(-?\d+)$/;

/** Parses the `NAME://host:port` entries of the property `key`. */
export function parseListeners(
  key: string,
  entries: readonly string[],
  protocols: ReadonlyMap<string, SecurityProtocol>,
): ListenerConfig[] {
  return entries.map((entry) => {
    const parts = endpoint.exec(entry.trim());
    if (parts === null)
      throw new ConfigError(
        `Error creating broker listeners from '[${entries.join(', ')}]': Unable to parse ${entry} to a broker endpoint`,
      );
    const name = (parts[1] as string).toUpperCase();
    const port = Number(parts[4]);
    const securityProtocol = protocols.get(name);
    if (securityProtocol === undefined) {
      throw new ConfigError(
        `Error creating broker listeners from '[${entries.join(', ')}]': No security protocol defined for listener ${name}`,
      );
    }
    if (port < 0 || port > 65_535)
      throw new ConfigError(
        `Invalid value ${entry} for configuration ${key}: port ${port} is not between 0 and 65535`,
      );
    return { name, host: parts[2] ?? parts[3] ?? '', port, securityProtocol };
  });
}

function splitHostPort(text: string): Address {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
}

/** Parses `id@host:port` entries. The row of the property in `tables/` has checked their form. */
export function parseVoters(entries: readonly string[]): VoterConfig[] {
  return entries.map((entry) => {
    const at = entry.indexOf('@');
    return { id: nodeId(Number(entry.slice(0, at))), ...splitHostPort(entry.slice(at + 1)) };
  });
}

/** Parses `host:port` entries. The row of the property in `tables/` has checked their form. */
export function parseAddresses(entries: readonly string[]): Address[] {
  return entries.map(splitHostPort);
}
