/**
 * Runs a node as a process, with the real ports. `kafka-server-start` calls `runServer`, which returns the exit status
 * when the node has stopped: 143 after SIGTERM and 130 after SIGINT, as for the JVM, and 1 when the node cannot run.
 */
import { hostname } from 'node:os';
import { afterTurn, systemClock, systemScheduler } from '../adapters/clock.ts';
import { createConsoleLogger, type LogFormat } from '../adapters/console-logger.ts';
import { systemFileSystem } from '../adapters/file-system.ts';
import { makeRoomForGarbage } from '../adapters/heap.ts';
import { storeInMetadataDirectory } from '../adapters/leveldb/raft-store.ts';
import { createTransport, type Transport } from '../adapters/one-port.ts';
import { patientFileSystem } from '../adapters/patient-file-system.ts';
import { createSystemRandom } from '../adapters/random.ts';
import { canResolve, openFilesMax } from '../adapters/surroundings.ts';
import { LaterReleaseError } from '../base/later-release.ts';
import { intMax } from '../config/define.ts';
import { NodeConfig } from '../config/node-config.ts';
import type { LogLevels } from '../telemetry/log-levels.ts';
import type { Logger } from '../telemetry/logger.ts';
import { exitProcess, onUncaught, signalStatus } from './exit.ts';
import { DiskMetrics } from './metrics/disk-metrics.ts';
import { Node } from './node.ts';
import type { NodePorts } from './ports.ts';
import { startFailure } from './start-failure.ts';

type Signal = keyof typeof signalStatus;

export interface ServerIo {
  stdout(text: string): void;
  /** Calls `handler` when the process receives a signal to stop. */
  onSignal(handler: (signal: Signal) => void): void;
}

/** When a stop takes longer than this, the process ends without completing it. Acknowledged records are not lost by that. */
const stopTimeoutMs = 60_000;

/** The ports of a node that runs as a process. */
export function realPorts(
  transport: Transport,
  logger: Logger,
  onFatal: (error: unknown) => void,
): NodePorts {
  const isWindows = process.platform === 'win32';
  const disk = new DiskMetrics(systemClock);
  const fs = disk.measured(patientFileSystem(systemFileSystem, systemScheduler, isWindows));
  const filesMax = openFilesMax();
  return {
    clock: systemClock,
    scheduler: systemScheduler,
    afterTurn,
    random: createSystemRandom(),
    fs,
    disk,
    network: transport.network,
    peers: transport.peers,
    http: transport.http,
    logger,
    hostName: hostname(),
    ...(filesMax === null ? {} : { openFilesMax: filesMax }),
    openRaftStore: (metadataDir) => storeInMetadataDirectory(fs, metadataDir),
    onFatal,
  };
}

/**
 * How the process writes log lines. The settings come from the environment variables and files that configure log4j for Kafka.
 */
export interface Logging {
  readonly levels: LogLevels;
  readonly format: LogFormat;
  /** Problems in those files; logged when the node starts. */
  readonly warnings: readonly string[];
}

/** A broker needs several open files for each partition; Kafka recommends a limit of 100000. */
const openFilesMin = 10_000;

/** Warns of settings of this machine that would cause failures later. */
async function warnOfSurroundings(config: NodeConfig, logger: Logger): Promise<void> {
  const limit = openFilesMax();
  if (limit !== null && limit < openFilesMin)
    logger.warn('The limit on open files of this process is low', { limit });
  if (!config.isBroker) return;
  for (const { name, host, port } of config.advertisedListeners) {
    if (host === '' || (await canResolve(host))) continue;
    const advertised = `${name}://${host}:${port}`;
    logger.warn('advertised.listeners names a host that this machine cannot resolve', { advertised });
  }
}

/** Rejects when `server.max.startup.time.ms` has passed. */
function startupTimeout(config: NodeConfig): Promise<never> {
  const timeoutMs = config.get('server.max.startup.time.ms');
  return new Promise((_resolve, reject) => {
    if (timeoutMs > intMax) return;
    systemScheduler.after(timeoutMs, () => {
      const what = `The start took longer than server.max.startup.time.ms (${timeoutMs} ms).`;
      reject(new Error(`${what} The log lines above say what it waits for; fix that or raise the limit.`));
    });
  });
}

/** Runs a node until it receives a signal to stop. Rejects with `ConfigError` when the properties are invalid. */
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
    if (error instanceof LaterReleaseError)
      logger.error(`Exiting Kafka due to fatal exception: ${startFailure(error)}`);
    else logger.error('Exiting Kafka due to fatal exception', { error });
    exitProcess(1);
  };
  onUncaught(fatal);
  // The handler is set before the first log line, because a script that reads that line may send the signal at once.
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
