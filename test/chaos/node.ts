/** One node of the cluster as a process: started through `bin/`, killed, stopped for a while, and watched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, run } from './machine.ts';

export const clientPort = 9092;
const controllerPort = 9093;

export interface ClusterSettings {
  readonly clusterId: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Log directories of a node. */
  readonly directories: number;
}

export class ChaosNode {
  readonly machine: Machine;
  /** An end of the process now has a reason. */
  mayEnd = false;
  /** Ends without a reason. */
  readonly surprises: string[] = [];
  private readonly bin: string;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();

  constructor(machine: Machine, bin: string) {
    this.machine = machine;
    this.bin = bin;
  }

  get id(): number {
    return this.machine.id;
  }

  get isUp(): boolean {
    return this.child !== null;
  }

  get address(): string {
    return `${this.machine.address}:${clientPort}`;
  }

  private get logPath(): string {
    return join(this.machine.path, 'server.log');
  }

  private get propertiesPath(): string {
    return join(this.machine.path, 'server.properties');
  }

  get directories(): string[] {
    return this.configured.split(',');
  }

  private configured = '';

  format(settings: ClusterSettings, machines: readonly Machine[]): void {
    const { id, machine } = this;
    const disks = [machine.disk, machine.secondDisk].slice(0, settings.directories);
    const directories = disks.map((disk) => join(disk, 'data'));
    this.configured = directories.join(',');
    for (const directory of directories) mkdirSync(directory, { recursive: true });
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': String(id),
      'broker.rack': `rack${id}`,
      'controller.quorum.voters': machines
        .map((one) => `${one.id}@${one.address}:${controllerPort}`)
        .join(','),
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      listeners: `PLAINTEXT://${machine.address}:${clientPort},CONTROLLER://${machine.address}:${controllerPort}`,
      'log.dirs': this.configured,
      ...settings.properties,
    };
    const text = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(this.propertiesPath, text.join(''));
    run(process.execPath, [
      join(this.bin, 'kafka-storage'),
      'format',
      '-t',
      settings.clusterId,
      '-c',
      this.propertiesPath,
    ]);
    run('sync', []);
  }

  start(): void {
    if (this.child !== null) return;
    const [command, ...args] = this.machine.command([
      process.execPath,
      join(this.bin, 'kafka-server-start'),
      this.propertiesPath,
    ]);
    this.mayEnd = false;
    appendFileSync(this.logPath, `--- start ${new Date().toISOString()}\n`);
    const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    const take = (chunk: Buffer): void => appendFileSync(this.logPath, chunk);
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    this.ended = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        if (this.child === child) this.child = null;
        if (!this.mayEnd) this.surprises.push(`node ${this.id} ended: status ${status}, signal ${signal}`);
        resolve();
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async kill(): Promise<void> {
    this.mayEnd = true;
    this.signal('SIGKILL');
    await this.ended;
  }

  /** SIGTERM; SIGKILL when it does not end in time. False then. */
  async stop(patienceMs: number): Promise<boolean> {
    this.mayEnd = true;
    this.signal('SIGTERM');
    let isForced = false;
    const timer = setTimeout(() => {
      isForced = true;
      this.signal('SIGKILL');
    }, patienceMs);
    await this.ended;
    clearTimeout(timer);
    return !isForced;
  }
}
