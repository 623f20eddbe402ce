/** `bendemann produce TOPIC`: writes the given values, or each line of standard input, as records. */
import { createSystemRandom } from '../../adapters/random.ts';
import { Producer, type ProducerRecord } from '../../client/producer.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { connectClient } from '../cluster/connect.ts';
import { type CliIo, ToolError } from '../tool.ts';

export interface ProduceOptions {
  readonly bootstrap: string;
  readonly key?: string;
  readonly keySeparator?: string;
}

const topicTimeoutMs = 10_000;
const text = new TextEncoder();

function recordOf(topic: string, line: string, { key, keySeparator }: ProduceOptions): ProducerRecord {
  const at = keySeparator === undefined ? -1 : line.indexOf(keySeparator);
  if (keySeparator !== undefined && at < 0)
    throw new ToolError(`error: there is no '${keySeparator}' in the line: ${line}`);
  const value = keySeparator === undefined ? line : line.slice(at + keySeparator.length);
  const named = keySeparator === undefined ? key : line.slice(0, at);
  return { topic, key: named === undefined ? null : text.encode(named), value: text.encode(value) };
}

async function* listed(values: readonly string[]): AsyncGenerator<string> {
  yield* values;
}

export async function produce(
  topic: string,
  values: readonly string[],
  options: ProduceOptions,
  io: CliIo,
): Promise<number> {
  const client = connectClient({ bootstrap: options.bootstrap, clientId: 'bendemann-produce' });
  const producer = new Producer(client, createSystemRandom(), { maxBlockMs: topicTimeoutMs });
  let failure: unknown = null;
  let count = 0;
  try {
    if (values.length === 0 && io.isStdinTerminal) io.stderr('Each line is a record; Ctrl-D ends.\n');
    for await (const line of values.length > 0 ? listed(values) : io.stdinLines()) {
      producer.send(recordOf(topic, line, options)).then(
        () => count++,
        (error: unknown) => {
          failure ??= error;
        },
      );
    }
    await producer.flush();
  } finally {
    client.close();
  }
  if (failure !== null)
    throw new ToolError(`error: ${failure instanceof KafkaError ? failure.message : String(failure)}`);
  io.stderr(`${count} record${count === 1 ? '' : 's'} written to ${topic}\n`);
  return 0;
}
