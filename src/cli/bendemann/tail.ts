/** `bendemann tail TOPIC`: prints the records of all partitions as they arrive. */
import { type ConsumedRecord, Fetcher, offsetEarliest, offsetLatest } from '../../client/fetcher.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { connectClient } from '../cluster/connect.ts';
import { type CliIo, ToolError } from '../tool.ts';

export interface TailOptions {
  readonly bootstrap: string;
  readonly fromBeginning?: boolean;
  readonly count?: number;
  readonly json?: boolean;
}

const text = new TextDecoder();
const textOf = (value: Uint8Array | null): string | null => (value === null ? null : text.decode(value));

function lineOf(record: ConsumedRecord, isJson: boolean): string {
  const { partition, offset, timestampMs } = record;
  const [key, value] = [textOf(record.key), textOf(record.value)];
  if (!isJson) return `${partition}:${offset}  ${key === null ? '' : `${key} = `}${value ?? '(deleted)'}\n`;
  const headers = Object.fromEntries(record.headers.map((header) => [header.key, textOf(header.value)]));
  return `${JSON.stringify({ partition, offset, timestampMs, key, value, headers })}\n`;
}

export async function tail(topic: string, options: TailOptions, io: CliIo): Promise<number> {
  const client = connectClient({ bootstrap: options.bootstrap, clientId: 'bendemann-tail' });
  let isStopping = false;
  io.onSignal(() => {
    isStopping = true;
  });
  try {
    const info = (await client.metadata([topic])).topics.get(topic);
    if (info === undefined || info.errorCode !== 0)
      throw new ToolError(
        `error: there is no topic ${topic} yet. Create it: bendemann kafka topics --create --topic ${topic} --bootstrap-server ${options.bootstrap}`,
      );
    const fetcher = new Fetcher(client, { reset: 'earliest' });
    const timestamp = options.fromBeginning === true ? offsetEarliest : offsetLatest;
    const wanted = info.partitions.map(({ index }) => ({ topic, partition: index, timestamp }));
    const found = await fetcher.offsets(wanted);
    for (const { partition } of wanted)
      fetcher.assign(topic, partition, found.get(`${topic}-${partition}`)?.offset ?? 0);
    let left = options.count ?? Number.POSITIVE_INFINITY;
    while (!isStopping && left > 0) {
      const records = await fetcher.poll(200, Math.min(left, 500));
      for (const record of records) io.stdout(lineOf(record, options.json === true));
      left -= records.length;
    }
    return 0;
  } catch (error) {
    if (error instanceof KafkaError) throw new ToolError(`error: ${error.message}`);
    throw error;
  } finally {
    client.close();
  }
}
