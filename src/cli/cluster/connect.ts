/**
 * Makes the client with which a tool reaches the cluster: from the addresses of `--bootstrap-server` or
 * `--bootstrap-controller`, and the settings in the file of `--command-config`.
 */
import { readFileSync } from 'node:fs';
import { systemClock, systemScheduler } from '../../adapters/clock.ts';
import { connectTcp } from '../../adapters/tcp-network.ts';
import type { Address } from '../../base/network.ts';
import { KafkaClient } from '../../client/kafka-client.ts';
import { parseProperties } from '../../config/properties-file.ts';
import { ToolError } from '../tool.ts';

/** Parses a list of `host:port`. IPv6 addresses are in brackets. */
export function parseAddresses(text: string): Address[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      // Without a host it is this machine, as in Java's client.
      const match = /^(?:[A-Z_]+:\/\/)?\[?([^\]]*?)\]?:(\d+)$/i.exec(one);
      if (match === null) throw new ToolError(`Invalid url in bootstrap.servers: ${one}`);
      const [host, port] = [match[1] || 'localhost', Number(match[2])];
      if (port > 65_535) throw new ToolError(`Invalid port in bootstrap.servers: ${one}`);
      return { host, port };
    });
}

/**
 * Returns the settings of a client: those of the properties file, and `words` of the form `key=value`, which take precedence.
 */
export function clientSettings(file: string | null, words: readonly string[] = []): Map<string, string> {
  const settings = file === null ? new Map<string, string>() : readProperties(file);
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 0) throw new ToolError(`Invalid command line properties: ${word}`);
    settings.set(word.slice(0, at), word.slice(at + 1));
  }
  return settings;
}

function readProperties(file: string): Map<string, string> {
  try {
    return parseProperties(readFileSync(file, 'utf8'));
  } catch {
    throw new ToolError(`java.nio.file.NoSuchFileException: ${file}`);
  }
}

export interface ConnectOptions {
  readonly bootstrap: string;
  readonly isController?: boolean;
  readonly settings?: ReadonlyMap<string, string>;
  readonly clientId?: string;
}

const warningIntervalMs = 5000;

/**
 * Returns a function that opens connections. While nodes cannot be reached, it also writes a warning to standard error, at most
 * every 5 seconds.
 */
function warnedConnect(): typeof connectTcp {
  let warnedMs = Number.NEGATIVE_INFINITY;
  return async (address, timeoutMs) => {
    try {
      return await connectTcp(address, timeoutMs);
    } catch (error) {
      const nowMs = systemClock.monotonicMs();
      if (nowMs - warnedMs >= warningIntervalMs) {
        warnedMs = nowMs;
        const time = new Date(systemClock.wallMs())
          .toISOString()
          .replace('T', ' ')
          .replace('.', ',')
          .slice(0, -1);
        process.stderr.write(
          `[${time}] WARN Connection to ${address.host}:${address.port} could not be established: ${(error as Error).message}. Node may not be available. (client)\n`,
        );
      }
      throw error;
    }
  };
}

/** Returns a client that connects at its first request. The caller must close it, or the process does not end. */
export function connectClient({ bootstrap, isController, settings, clientId }: ConnectOptions): KafkaClient {
  const protocol = settings?.get('security.protocol') ?? 'PLAINTEXT';
  if (protocol !== 'PLAINTEXT') throw new ToolError(`security.protocol=${protocol} is not supported yet`);
  return new KafkaClient(
    {
      bootstrap: parseAddresses(bootstrap),
      isController: isController ?? false,
      clientId: settings?.get('client.id') ?? clientId ?? 'admin-client',
      requestTimeoutMs: Number(settings?.get('request.timeout.ms') ?? 30_000),
    },
    { network: { connect: warnedConnect() }, clock: systemClock, scheduler: systemScheduler },
  );
}
