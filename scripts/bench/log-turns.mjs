/**
 * Loaded with `node --import`: appends each long turn of the event loop to the file that TURNS_FILE names, as a line `wall
 * clock in ms, length in ms`.
 */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { TurnMonitor } from './turn-monitor.mjs';

const longMs = 10;
const file = process.env.TURNS_FILE;

if (file !== undefined && isMainThread) {
  const monitor = new TurnMonitor((turnMs) => {
    if (turnMs >= longMs) appendFileSync(file, `${Date.now()} ${turnMs.toFixed(1)} ${process.pid}\n`);
  });
  monitor.reset();
}
