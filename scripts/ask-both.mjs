/**
 * Asks a running Apache Kafka and a running node of ours the same questions, in all versions that both serve, and lists where
 * the answers differ.
 *
 * usage: node scripts/ask-both.mjs --kafka localhost:9092 --ours localhost:9192 [--record FILE] [--only REGEX] [--all]
 *        node scripts/ask-both.mjs --replay FILE --ours localhost:9192
 *
 * Both should be fresh single nodes with the same properties. The questions are the tables of `scripts/ask-both/`; extend
 * these. A question that was not asked, in all or in some versions, is counted and named. `--record` keeps Kafka's answers for
 * runs without Kafka. Status 1: an answer differs that `scripts/ask-both/expected.mjs` does not name (`--all` lists those that
 * it names too).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { scriptOptions } from './lib/options.mjs';
import { expectedDifference } from './ask-both/expected.mjs';

const { values, refuse } = scriptOptions(import.meta.url, {
  kafka: { type: 'string' },
  ours: { type: 'string' },
  record: { type: 'string' },
  replay: { type: 'string' },
  only: { type: 'string', default: '' },
  all: { type: 'boolean', default: false },
});
if (values.ours === undefined || (values.kafka === undefined) === (values.replay === undefined))
  refuse('--ours and either --kafka or --replay are needed');
// Imported only now, because these modules build dist/ when it is old.
const { compareRow, Side, versionsOf } = await import('./ask-both/side.mjs');
const { questions } = await import('./ask-both/questions.mjs');

/** What was left out, counted and by name. */
function list(left, why) {
  if (left.size === 0) return;
  console.log(`${[...left.values()].flat().length} questions ${why}`);
  for (const [id, versions] of left) console.log(`  v${versions.join(',')} ${id}`);
}

const ours = await Side.open(values.ours);
const kafka = values.kafka === undefined ? null : await Side.open(values.kafka);
const recorded = values.replay === undefined ? {} : JSON.parse(readFileSync(values.replay, 'utf8'));
const only = new RegExp(values.only);
let pairs = 0;
/** Questions to an API that is not served, or not in any version of the question. */
const unserved = new Map();
/** Question → the versions in which it was not asked, because their schema cannot express one of its values. */
const unsaid = new Map();
/** Question → the versions of which the record has no answer of Kafka's. */
const unrecorded = new Map();
let expected = 0;
/** Question and difference → the versions that show it. */
const differences = new Map();
let different = 0;
const ids = new Set();
for (const question of questions()) {
  if (ids.has(question.id)) throw new Error(`two questions are called "${question.id}"`);
  ids.add(question.id);
  if (!question.always && !only.test(question.id)) continue;
  const versions = versionsOf(question, kafka ?? ours);
  if (versions.length === 0) unserved.set(question.id, ['-']);
  for (const version of versions) {
    const id = `${question.id} v${version}`;
    const answer = kafka === null ? recorded[id] : await kafka.ask(question, version);
    if (answer === undefined || answer === 'not expressible') {
      const missing = answer === undefined ? unrecorded : unsaid;
      missing.set(question.id, [...(missing.get(question.id) ?? []), version]);
      continue;
    }
    recorded[id] = answer;
    const own = await ours.ask(question, version);
    if (question.ignore === true) continue;
    if (process.env.ASK_BOTH_TRACE !== undefined) console.error(id, JSON.stringify(own).slice(0, 80));
    pairs++;
    const { compared = (whole) => whole } = question;
    const difference = compareRow(compared(answer), compared(own));
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
list(unserved, 'were not asked: their API is not served in a version that they are for');
list(unsaid, 'were not asked: a value of theirs does not exist in these versions');
list(unrecorded, 'were not asked: the record has no answer of Kafka to them');
console.log(`${pairs} answers compared, ${different} differ, ${expected} differ as expected`);
if (values.record !== undefined) writeFileSync(values.record, JSON.stringify(recorded));
ours.close();
kafka?.close();
process.exit(different > 0 && !values.all ? 1 : 0);
