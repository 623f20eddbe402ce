/**
 * Loaded into a node with `--require`: appends each turn of the event loop that takes the main thread more than `leastMs` of
 * CPU time to the file that BENCH_TURNS names, as a line `when ms`. Time in which the thread waited for a core does not count.
 * Linux only.
 */
const { openSync, readSync, writeSync } = require('node:fs');

const file = process.env.BENCH_TURNS;
const leastMs = 2;
const everyMs = 1;

function watch() {
  const statistics = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const buffer = Buffer.alloc(64);
  const cpuMs = () => {
    const length = readSync(statistics, buffer, 0, buffer.length, 0);
    return Number(buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  };
  const out = openSync(file, 'a');
  let last = cpuMs();
  // A timer cannot fire within a turn. So the CPU time between two of its calls is that of one turn, and of what else ran in
  // the millisecond.
  const timer = setInterval(() => {
    const now = cpuMs();
    if (now - last > leastMs) writeSync(out, `${Date.now()} ${(now - last).toFixed(2)}\n`);
    last = now;
  }, everyMs);
  timer.unref();
}

if (file !== undefined && process.argv[1]?.endsWith('kafka-server-start')) watch();
