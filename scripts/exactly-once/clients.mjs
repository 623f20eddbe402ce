/** Runs the clients of `npm run exactly-once` as processes, which are killed and started again. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const restartMs = 200;
const worker = new URL('worker.py', import.meta.url).pathname;

export class Client {
  starts = 0;
  /** The number of lines in which the client reported an error and went on. */
  errors = 0;
  #command;
  #args;
  #isRestarted;
  #isOver = false;
  #child = null;
  #exited = Promise.resolve();
  #lastLine = '';

  constructor(name, command, args, { isRestarted = false } = {}) {
    this.name = name;
    this.#command = command;
    this.#args = args;
    this.#isRestarted = isRestarted;
    this.#start();
  }

  #start() {
    this.starts++;
    const child = spawn(this.#command, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-2_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lastLine = line;
      if (line.includes('"error"')) this.errors++;
    });
    child.once('error', (error) => console.error(`${this.name}: ${error.message}`));
    this.#exited = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        if (status !== 0 && signal === null && !this.#isOver)
          console.log(`${this.name} ended: ${last(said)}`);
        resolve();
        if (this.#isRestarted && !this.#isOver) setTimeout(() => this.#isOver || this.#start(), restartMs);
      });
    });
  }

  kill() {
    this.#child?.kill('SIGKILL');
  }

  /** Waits until the process has ended by itself. Resolves to its last line. */
  async finished() {
    await this.#exited;
    return this.#lastLine;
  }

  /** Sends a signal that asks the process to end. Resolves to its last line. */
  async stop(signal, patienceMs) {
    this.#isOver = true;
    this.#child?.kill(signal);
    const timer = setTimeout(() => this.kill(), patienceMs);
    await this.#exited;
    clearTimeout(timer);
    return this.#lastLine;
  }

  async end() {
    await this.stop('SIGKILL', 1_000);
  }
}

function last(text) {
  return text.trim().split('\n').at(-1) ?? '';
}

/** Returns what a consumer with read_committed reads from a topic. */
export async function readOutput(python, bootstrap, topic, partitions) {
  const args = [worker, 'read', bootstrap, topic, String(partitions)];
  return JSON.parse(await new Client('reader', python, args).finished());
}
