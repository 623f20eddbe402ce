/** `kafka-metadata-quorum add-controller`: asks the quorum to take the controller of a properties file among its voters. */
import { readFileSync } from 'node:fs';
import type { KafkaClient } from '../client/kafka-client.ts';
import { ConfigError } from '../config/define.ts';
import { NodeConfig } from '../config/node-config.ts';
import { metaPropertiesPath, parseMetaProperties } from '../log/meta-properties.ts';
import { errorOf, KafkaError } from '../protocol/errors.ts';
import { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/messages/80-add-raft-voter.ts';
import { type CliIo, ToolError } from './tool.ts';

const timeoutMs = 30_000;

export async function addController(
  client: KafkaClient,
  configFile: string,
  isDryRun: boolean,
  io: CliIo,
): Promise<void> {
  const config = readConfig(configFile);
  if (!config.isController) throw new ToolError('process.roles must include controller.');
  const voterId = config.nodeId;
  const voterDirectoryId = readDirectoryId(config.metadataLogDir);
  const listeners = config.advertisedControllerListeners.map(({ name, host, port }) => ({
    name,
    host: host === '' ? 'localhost' : host,
    port,
  }));
  if (!isDryRun) {
    const answer = await client.request(AddRaftVoterRequest, AddRaftVoterResponse, {
      clusterId: null,
      timeoutMs,
      voterId,
      voterDirectoryId,
      listeners,
    });
    if (answer.errorCode !== 0) {
      throw new KafkaError(errorOf(answer.errorCode), answer.errorMessage ?? undefined);
    }
  }
  const verb = isDryRun ? 'DRY RUN of adding' : 'Added';
  const endpoints = listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(', ');
  io.stdout(
    `${verb} controller ${voterId} with directory id ${voterDirectoryId} and endpoints: ${endpoints}\n`,
  );
}

function readConfig(file: string): NodeConfig {
  try {
    return NodeConfig.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof ConfigError) throw new ToolError(error.message);
    throw new ToolError(`java.nio.file.NoSuchFileException: ${file}`);
  }
}

function readDirectoryId(directory: string): string {
  const path = metaPropertiesPath(directory);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ToolError(`Unable to read meta.properties from ${directory}`);
  }
  const { directoryId } = parseMetaProperties(text);
  if (directoryId === null) throw new ToolError(`No directory id found in ${path}`);
  return directoryId;
}
