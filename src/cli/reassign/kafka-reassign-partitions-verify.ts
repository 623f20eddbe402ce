/**
 * `kafka-reassign-partitions` with `--verify`, `--cancel` and `--list`: shows the progress of reassignments, and cancels them.
 */
import { sameElements } from '../../base/collections.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import {
  findMoves,
  isActive,
  isOver,
  moveText,
  startMoves,
} from './kafka-reassign-partitions-directories.ts';
import { type Assignment, parsePlan } from './kafka-reassign-partitions-plan.ts';
import {
  alterReassignments,
  describeTopics,
  keysText,
  listReassignments,
  type Reassignment,
} from './kafka-reassign-partitions-requests.ts';
import { clearThrottles } from './kafka-reassign-partitions-throttles.ts';
import { comparePartitions, partitionKey } from '../cluster/list-offsets.ts';
import { type CliIo, ToolError } from '../tool.ts';

export async function verify(
  client: KafkaClient,
  planJson: string,
  keepsThrottles: boolean,
  io: CliIo,
): Promise<void> {
  const plan = parsePlan(planJson);
  const underWay = await listReassignments(client);
  io.stdout(`Status of partition reassignment:\n${await statusText(client, plan.partitions, underWay)}\n`);
  const moves = await findMoves(client, plan.placements);
  io.stdout(`${moves.map(moveText).join('\n')}\n`);
  if (underWay.length === 0 && moves.every(isOver) && !keepsThrottles) {
    await clearThrottles(client, plan.partitions, io);
  }
}

/**
 * Returns a line for each partition of the plan: its reassignment is in progress or completed, or its replicas are not those of
 * the plan.
 */
async function statusText(
  client: KafkaClient,
  targets: readonly Assignment[],
  underWay: readonly Reassignment[],
): Promise<string> {
  const moving = new Set(underWay.map(partitionKey));
  const resting = targets.filter((target) => !moving.has(partitionKey(target)));
  const topics = await describeTopics(
    client,
    resting.map(({ topic }) => topic),
  );
  return [...targets]
    .sort(comparePartitions)
    .map((target) => {
      const key = partitionKey(target);
      if (moving.has(key)) return `Reassignment of partition ${key} is still in progress.`;
      const replicas = topics.get(target.topic)?.[target.partition]?.replicas ?? [];
      return sameElements(replicas, target.replicas)
        ? `Reassignment of partition ${key} is completed.`
        : `There is no active reassignment of partition ${key}, but replica set is ${replicas.join(',')} rather than ${target.replicas.join(',')}.`;
    })
    .join('\n');
}

export async function cancel(
  client: KafkaClient,
  planJson: string,
  options: { readonly keepsThrottles: boolean; readonly timeoutMs: number },
  io: CliIo,
): Promise<void> {
  const plan = parsePlan(planJson);
  const wanted = new Set(plan.partitions.map(partitionKey));
  const moving = (await listReassignments(client)).filter((one) => wanted.has(partitionKey(one)));
  if (moving.length === 0) io.stdout('None of the specified partition reassignments are active.\n');
  else await cancelMoves(client, moving, io);
  const active = (await findMoves(client, plan.placements)).filter(isActive);
  if (active.length === 0) {
    // Kafka's tool prints no newline here.
    io.stdout('None of the specified partition moves are active.');
  } else {
    const back = active.map(({ found, ...placement }) => ({
      ...placement,
      directory: found?.current ?? placement.directory,
    }));
    await startMoves(client, back, options.timeoutMs, io);
  }
  if (!options.keepsThrottles) await clearThrottles(client, plan.partitions, io);
}

async function cancelMoves(client: KafkaClient, moving: readonly Reassignment[], io: CliIo): Promise<void> {
  const refused = await alterReassignments(
    client,
    moving.map(({ topic, partition }) => ({ topic, partition, replicas: null })),
    true,
  );
  if (refused.length > 0) {
    const lines = refused.map((one) => `${partitionKey(one)}: ${one.error.message}`);
    throw new ToolError(
      `Error cancelling partition reassignment${refused.length === 1 ? '' : 's'} for:\n${lines.join('\n')}`,
      { stream: 'stdout' },
    );
  }
  io.stdout(
    `Successfully cancelled partition reassignment${moving.length === 1 ? '' : 's'} for: ${keysText(moving)}\n`,
  );
}

export async function list(client: KafkaClient, io: CliIo): Promise<void> {
  const moving = await listReassignments(client);
  if (moving.length === 0) {
    io.stdout('No partition reassignments found.\n');
    return;
  }
  const lines = moving.map((one) => {
    const adding = one.adding.length === 0 ? '' : ` adding: ${one.adding.join(',')}.`;
    const removing = one.removing.length === 0 ? '' : ` removing: ${one.removing.join(',')}.`;
    return `${partitionKey(one)}: replicas: ${one.replicas.join(',')}.${adding}${removing}\n`;
  });
  io.stdout(`Current partition reassignments:\n${lines.join('')}`);
}
