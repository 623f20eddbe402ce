/**
 * A process that carries out a script and prints after each step the number of complete steps, until it is killed
 * (crash.test.ts).
 */
import { writeSync } from 'node:fs';
import { imageOf, storeAt } from './fixture.ts';
import { perform, stepsOf } from './steps.ts';

const [path = '', seed = '0', from = '0'] = process.argv.slice(2);
const store = storeAt(path);
await imageOf(store);
let done = Number(from);
writeSync(1, `${done}\n`);
for (const step of stepsOf(Number(seed), 600).slice(done)) {
  await perform(store, step);
  done += 1;
  writeSync(1, `${done}\n`);
}
await store.close();
