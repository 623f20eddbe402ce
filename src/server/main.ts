/**
 * A node as a process: real ports, the node, and its end. `kafka-server-start` calls `runServer`; it returns the exit status
 * once the node has stopped: 143 after SIGTERM and 130 after SIGINT, as the JVM's, 1 when the node can't run.
 */
import { hostname } from 'node:os';
import { systemClock, systemScheduler } from '../adapters/clock.ts';
import { createConsoleLogger, type LogFormat } from '../adapters/console-logger.ts';
import { systemFileSystem } from '../adapters/file-system.ts';
import { makeRoomForGarbage } from '../adapters/heap.ts';
import { storeInMetadataDirectory } from '../adapters/leveldb/raft-store.ts';
import { createTransport, type Transport } from '../adapters/one-port.ts';
import { patientFileSystem } from '../adapters/patient-file-system.ts';
import { createSystemRandom } from '../adapters/random.ts';
import { canResolve, openFilesMax } from '../adapters/surroundings.ts';
import { intMax } from '../config/define.ts';
import { NodeConfig } from '../config/node-config.ts';
import type { LogLevels } from '../telemetry/log-levels.ts';
import type { Logger } from '../telemetry/logger.ts';
import { exitProcess, onUncaught, signalStatus } from './exit.ts';
import { Node } from './node.ts';
import type { NodePorts } from './ports.ts';
import { startFailure } from './start-failure.ts';

type Signal = keyof typeof signalStatus;

export interface ServerIo {
  stdout(text: string): void;
  /** Calls `handler` when the process is asked to end. */
  onSignal(handler: (signal: Signal) => void): void;
}

/** A stop that takes longer is cut short: what was acknowledged is safe anyway. */
const stopTimeoutMs = 60_000;

/** The world of a node that is a process. */
export function realPorts(
  transport: Transport,
  logger: Logger,
  onFatal: (error: unknown) => void,
): NodePorts {
  const isWindows = process.platform === 'win32';
  const fs = isWindows ? patientFileSystem(systemFileSystem, systemScheduler) : systemFileSystem;
  return {
    clock: systemClock,
    scheduler: systemScheduler,
    random: createSystemRandom(),
    fs,
    network: transport.network,
    peers: transport.peers,
    http: transport.http,
    logger,
    hostName: hostname(),
    openRaftStore: (metadataDir) => storeInMetadataDirectory(fs, metadataDir),
    onFatal,
  };
}

/** How log lines are written, from the variables and files that log4j reads. */
export interface Logging {
  readonly levels: LogLevels;
  readonly format: LogFormat;
  /** What is wrong with those files; written when the node starts. */
  readonly warnings: readonly string[];
}

/** A broker with some hundred partitions needs a few files for each; Kafka recommends 100000. */
const openFilesMin = 10_000;

/** What will go wrong later, said at the start. */
async function warnOfSurroundings(config: NodeConfig, logger: Logger): Promise<void> {
  const limit = openFilesMax();
  if (limit !== null && limit < openFilesMin) logger.warn('this process may open few files', { limit });
  if (!config.isBroker) return;
  for (const { name, host, port } of config.advertisedListeners) {
    if (host === '' || (await canResolve(host))) continue;
    const advertised = `${name}://${host}:${port}`;
    logger.warn('advertised.listeners names a host that this machine can not resolve', { advertised });
  }
}

/** Rejects when `server.max.startup.time.ms` is over. */
function startupTimeout(config: NodeConfig): Promise<never> {
  const timeoutMs = config.get('server.max.startup.time.ms');
  return new Promise((_resolve, reject) => {
    if (timeoutMs > intMax) return;
    systemScheduler.after(timeoutMs, () => {
      const what = `The start took longer than server.max.startup.time.ms (${timeoutMs} ms).`;
      reject(new Error(`${what} Look at what it waits for in the lines before, or raise the limit.`));
    });
  });
}

/** Runs a node until it is told to end. Throws `ConfigError` when the properties are wrong. */
export async function runServer(
  properties: ReadonlyMap<string, string>,
  io: ServerIo,
  logging: Logging,
): Promise<number> {
  const write = (text: string): void => io.stdout(text);
  const config = new NodeConfig(properties);
  const format = config.get('log.format') === 'json' ? 'json' : logging.format;
  const wallMs = (): number => systemClock.wallMs();
  const logger = createConsoleLogger({ levels: logging.levels, format, write, wallMs });
  makeRoomForGarbage(systemScheduler);
  const transport = createTransport({
    logger: logger.child('SocketServer'),
    backlog: config.get('socket.listen.backlog.size'),
    batchBytesMax: config.get('socket.request.max.bytes'),
  });
  const fatal = (error: unknown): void => {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.error(`Exiting Kafka due to fatal exception\n${stack}`);
    exitProcess(1);
  };
  onUncaught(fatal);
  // Before anything is said: who reads our first line may end us.
  const asked = new Promise<Signal>((resolve) => {
    io.onSignal(resolve);
  });
  logger.info(`Starting node ${config.nodeId}`, {
    roles: config.get('process.roles'),
    listeners: config.listeners.map(({ name, host, port }) => `${name}://${host}:${port}`),
    logDirs: config.logDirs,
  });
  for (const warning of [...logging.warnings, ...config.warnings]) logger.warn(warning);
  void warnOfSurroundings(config, logger);
  const node = new Node(config, realPorts(transport, logger, fatal));
  let early: Signal | null = null;
  try {
    early = await Promise.race([node.start().then(() => null), asked, startupTimeout(config)]);
  } catch (error) {
    logger.error(`Exiting Kafka due to fatal exception: ${startFailure(error)}`);
    await Promise.race([
      node.stop().catch(() => {}),
      new Promise((resolve) => systemScheduler.after(2_000, () => resolve(null))),
    ]);
    return 1;
  }
  if (early === null) logger.info('Kafka Server started', { nodeId: config.nodeId });
  const signal = await asked;
  logger.info(`Terminating process due to signal ${signal}`);
  systemScheduler.after(stopTimeoutMs, () => exitProcess(signalStatus[signal]));
  await node.stop();
  await transport.close();
  logger.info('Kafka Server stopped', { nodeId: config.nodeId });
  return signalStatus[signal];
}
