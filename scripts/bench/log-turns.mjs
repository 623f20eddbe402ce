/**
 * Loaded with `node --import`: appends each turn of the event loop of at least `longMs` to the file that TURNS_FILE names. A
 * line has the wall-clock time in ms, the length in ms and the process id.
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
