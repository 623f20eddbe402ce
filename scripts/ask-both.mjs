/**
 * Asks a running Apache Kafka and a running node of ours the same questions, in all versions that both serve, and lists where
 * the answers differ:
 *
 *   node scripts/ask-both.mjs --kafka localhost:9092 --ours localhost:9192 [--record FILE] [--only REGEX] [--all]
 *   node scripts/ask-both.mjs --replay FILE --ours localhost:9192
 *
 * Both should be fresh single nodes with the same properties. The questions are the tables of `scripts/ask-both/`; extend
 * these. `--record` keeps Kafka's answers for runs without Kafka. Status 1: an answer differs that
 * `scripts/ask-both/expected.mjs` does not name (`--all` lists those that it names too).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compareRow, Side, versionsOf } from './ask-both/side.mjs';
import { expectedDifference } from './ask-both/expected.mjs';
import { questions } from './ask-both/questions.mjs';

const { values } = parseArgs({
  options: {
    kafka: { type: 'string' },
    ours: { type: 'string' },
    record: { type: 'string' },
    replay: { type: 'string' },
    only: { type: 'string', default: '' },
    all: { type: 'boolean', default: false },
  },
});
if (values.ours === undefined || (values.kafka === undefined) === (values.replay === undefined)) {
  console.error(
    'usage: node scripts/ask-both.mjs (--kafka HOST:PORT | --replay FILE) --ours HOST:PORT [--record FILE] [--only REGEX]',
  );
  process.exit(1);
}
const ours = await Side.open(values.ours);
const kafka = values.kafka === undefined ? null : await Side.open(values.kafka);
const recorded = values.replay === undefined ? {} : JSON.parse(readFileSync(values.replay, 'utf8'));
const only = new RegExp(values.only);
let pairs = 0;
let expected = 0;
/** Question and difference → the versions that show it. */
const differences = new Map();
let different = 0;
const ids = new Set();
for (const question of questions()) {
  if (ids.has(question.id)) throw new Error(`two questions are called "${question.id}"`);
  ids.add(question.id);
  if (!question.always && !only.test(question.id)) continue;
  for (const version of versionsOf(question, kafka ?? ours)) {
    const id = `${question.id} v${version}`;
    const answer = kafka === null ? recorded[id] : await kafka.ask(question, version);
    if (answer === undefined || answer === 'not expressible') continue;
    recorded[id] = answer;
    const own = await ours.ask(question, version);
    if (question.ignore === true) continue;
    if (process.env.ASK_BOTH_TRACE !== undefined) console.error(id, JSON.stringify(own).slice(0, 80));
    pairs++;
    const difference = compareRow(answer, own);
    if (difference === null) continue;
    const why = expectedDifference(question, version);
    if (why !== null) expected++;
    if (why !== null && !values.all) continue;
    different++;
    const line = `${question.id}${why === null ? '' : ` (expected: ${why})`}\n${difference}`;
    differences.set(line, [...(differences.get(line) ?? []), version]);
  }
}
for (const [line, versions] of differences) console.log(`v${versions.join(',')} ${line}`);
console.log(`${pairs} answers compared, ${different} differ, ${expected} differ as expected`);
if (values.record !== undefined) writeFileSync(values.record, JSON.stringify(recorded));
ours.close();
kafka?.close();
process.exit(different > 0 && !values.all ? 1 : 0);
