/**
 * kafka-reassign-partitions: proposes, starts, verifies and cancels reassignments of partitions to other brokers. As in Kafka's
 * tool, an error that occurs after the command line was parsed is printed to standard output.
 */
import { readFileSync } from 'node:fs';
import { createSystemRandom } from '../../adapters/random.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { exceptionText } from '../text/exception-names.ts';
import { printHelpOrVersion, uncaughtParserError, usageError } from '../arguments/help-or-version.ts';
import {
  checkReassignOptions,
  type ReassignAction,
  reassignOptions,
} from './kafka-reassign-partitions-options.ts';
import { type Options, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'This tool helps to move topic partitions between replicas.';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = uncaughtParserError(() => parseOptions(reassignOptions, args));
  const status = printHelpOrVersion(options, args, intro, reassignOptions, io);
  if (status !== null) return status;
  const action = usageError(reassignOptions, () => checkReassignOptions(options));
  const server = options.text('bootstrap-server');
  const client = connectClient({
    bootstrap: server ?? options.text('bootstrap-controller') ?? '',
    isController: server === null,
    settings: clientSettings(options.text('command-config')),
    clientId: 'reassign-partitions-tool',
  });
  try {
    await perform(action, client, options, io);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const text = error instanceof KafkaError ? exceptionText(error) : (error as Error).message;
    io.stdout(`Error: ${text}\n`);
    return 1;
  } finally {
    client.close();
  }
}

function readText(options: Options, name: string): string {
  const file = options.text(name) ?? '';
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new Error(`Unable to read file ${file}`);
  }
}

async function perform(
  action: ReassignAction,
  client: KafkaClient,
  options: Options,
  io: CliIo,
): Promise<void> {
  if (action === 'generate' || action === 'execute') return begin(action, client, options, io);
  const actions = await import('./kafka-reassign-partitions-verify.ts');
  if (action === 'list') return actions.list(client, io);
  const planJson = readText(options, 'reassignment-json-file');
  const keepsThrottles = options.has('preserve-throttles');
  if (action === 'verify') return actions.verify(client, planJson, keepsThrottles, io);
  const timeoutMs = options.number('timeout') ?? 0;
  return actions.cancel(client, planJson, { keepsThrottles, timeoutMs }, io);
}

async function begin(
  action: 'generate' | 'execute',
  client: KafkaClient,
  options: Options,
  io: CliIo,
): Promise<void> {
  const actions = await import('./kafka-reassign-partitions-execute.ts');
  if (action === 'generate') {
    const generateOptions = {
      topicsJson: readText(options, 'topics-to-move-json-file'),
      brokerList: options.text('broker-list') ?? '',
      isRackAware: !options.has('disable-rack-aware'),
    };
    return actions.generate(client, generateOptions, createSystemRandom(), io);
  }
  const executeOptions = {
    planJson: readText(options, 'reassignment-json-file'),
    isAdditional: options.has('additional'),
    throttle: options.number('throttle') ?? -1,
    directoryThrottle: options.number('replica-alter-log-dirs-throttle') ?? -1,
    timeoutMs: options.number('timeout') ?? 0,
    mayChangeFactor: !options.has('disallow-replication-factor-change'),
  };
  return actions.execute(client, executeOptions, io);
}
