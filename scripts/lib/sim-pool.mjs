/**
 * A pool of processes that simulate. Each process gets a job, answers, and gets the next one. When a seed does not end in time,
 * the run ends with an error that names the seed.
 */
import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const worker = join(dirname(fileURLToPath(import.meta.url)), 'sim-worker.mjs');
const seedMsMax = 600_000;

export class SimPool {
  /** Names of all coverage marks that were reached. */
  marks = new Set();
  #workers;

  constructor(bundle, jobs) {
    this.#workers = Array.from({ length: jobs }, () => new Worker(bundle));
  }

  /** Runs one job on the first process. Resolves to { value, cpuMs }. */
  run(job) {
    return this.#on(this.#workers[0], job);
  }

  /**
   * Gives the jobs that `next` returns to processes that have no job, until `next` returns null and all jobs are finished.
   * `done` gets each job and its answer.
   */
  async drain(next, done) {
    const serve = async (worker) => {
      for (let job = next(); job !== null; job = next()) done(job, await this.#on(worker, job));
    };
    await Promise.all(this.#workers.map(serve));
    // The answers may have caused more jobs.
    await serve(this.#workers[0]);
  }

  async #on(worker, job) {
    const answer = await worker.run(job);
    for (const mark of answer.marks) this.marks.add(mark);
    return answer;
  }

  stop() {
    for (const worker of this.#workers) worker.stop();
  }
}

class Worker {
  #child;
  #ready;
  #answer = null;
  #timer = null;

  constructor(bundle) {
    this.#child = fork(worker, [bundle], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#ready = new Promise((resolve) => {
      this.#child.on('message', (message) => this.#heard(message, resolve));
    });
    this.#child.on('exit', (code) =>
      this.#answer?.reject(new Error(`a simulating process ended with ${code}`)),
    );
  }

  #heard(message, ready) {
    if (message.type === 'ready') ready();
    else if (message.type === 'seed') this.#watch(message.seed);
    else {
      clearTimeout(this.#timer);
      const { resolve } = this.#answer;
      this.#answer = null;
      resolve(message);
    }
  }

  #watch(seed) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#answer?.reject(new Error(`seed ${seed} has not ended after ${seedMsMax} ms`));
      this.stop();
    }, seedMsMax);
  }

  async run(job) {
    await this.#ready;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#child.send(job);
    });
  }

  stop() {
    clearTimeout(this.#timer);
    this.#answer = null;
    this.#child.kill();
  }
}
