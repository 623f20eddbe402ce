/**
 * Simulates three machines on one. Each has a network namespace with an address on a bridge, a small ext4 file system on a loop
 * device, and a preloaded library for its clock and its syncs. Needs root, iproute2, nftables, gcc, mkfs.ext4 and losetup;
 * `Lab.close` removes all of this.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Runs a command; throws with its output when it fails, unless it `mayFail`. */
export function run(command: string, args: readonly string[], mayFail = false): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { encoding: 'utf8' });
  if (status === 0 || mayFail) return stdout ?? '';
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

const native = new URL('../../test/chaos/native/', import.meta.url).pathname;

/** The last files of a process that was killed close a moment after its end. */
async function unmount(disk: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      run('umount', [disk]);
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export class Machine {
  readonly id: number;
  readonly namespace: string;
  readonly address: string;
  readonly path: string;
  /** The file system of the first log directory, which has the metadata too. */
  readonly disk: string;
  /** That of the second one, when there are two. */
  readonly secondDisk: string;
  readonly controlPath: string;
  private readonly image: string;
  private readonly secondImage: string;
  /** Disks that fail until the power is on again. */
  private readonly off = new Set<string>();
  private readonly sizeMiB: number;
  private readonly lab: Lab;

  constructor(lab: Lab, id: number, sizeMiB: number) {
    this.lab = lab;
    this.id = id;
    this.namespace = `${lab.name}n${id}`;
    this.address = `${lab.prefix}.${id}`;
    this.path = join(lab.path, `node${id}`);
    this.disk = join(this.path, 'disk');
    this.secondDisk = join(this.path, 'disk2');
    this.image = join(this.path, 'disk.img');
    this.secondImage = join(this.path, 'disk2.img');
    this.controlPath = join(this.path, 'control');
    this.sizeMiB = sizeMiB;
  }

  begin(): void {
    for (const [disk, image] of this.disks) {
      mkdirSync(disk, { recursive: true });
      run('truncate', ['-s', `${this.sizeMiB}M`, image]);
      run('mkfs.ext4', ['-q', image]);
      run('mount', ['-o', 'loop', image, disk]);
    }
    writeFileSync(this.controlPath, Buffer.alloc(24));
    run('ip', ['netns', 'add', this.namespace]);
    const [outside, inside] = [`${this.lab.name}v${this.id}`, `${this.lab.name}e${this.id}`];
    run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', inside]);
    run('ip', ['link', 'set', inside, 'netns', this.namespace]);
    run('ip', ['link', 'set', outside, 'master', this.lab.bridge, 'up']);
    this.inside('ip', ['addr', 'add', `${this.address}/24`, 'dev', inside]);
    this.inside('ip', ['link', 'set', inside, 'up']);
    this.inside('ip', ['link', 'set', 'lo', 'up']);
    this.inside('nft', ['add', 'table', 'inet', 'chaos']);
    this.inside('nft', ['add', 'chain', 'inet', 'chaos', 'in', '{ type filter hook input priority 0; }']);
  }

  /** Packets from `address` no longer arrive here; from part of them with `percent`. */
  drop(address: string, percent = 100): void {
    const chance = percent >= 100 ? [] : ['numgen', 'random', 'mod', '100', '<', String(percent)];
    this.inside('nft', ['add', 'rule', 'inet', 'chaos', 'in', 'ip', 'saddr', address, ...chance, 'drop']);
  }

  healNetwork(): void {
    this.inside('nft', ['flush', 'chain', 'inet', 'chaos', 'in']);
  }

  /** Everything that was not synced is gone; the disk fails until `powerOn`. */
  cutPower(): void {
    for (const [disk] of this.disks) this.fail(disk);
  }

  /** The second disk alone fails, for good until `powerOn`. */
  failSecondDisk(): void {
    this.fail(this.secondDisk);
  }

  private fail(disk: string): void {
    if (this.off.has(disk)) return;
    this.off.add(disk);
    run(this.lab.cutPower, [disk]);
  }

  private get disks(): [disk: string, image: string][] {
    return [
      [this.disk, this.image],
      [this.secondDisk, this.secondImage],
    ];
  }

  /** Nothing may have files open on the disk. */
  async powerOn(): Promise<void> {
    for (const [disk, image] of this.disks) {
      if (!this.off.has(disk)) continue;
      await unmount(disk);
      run('mount', ['-o', 'loop', image, disk]);
      this.off.delete(disk);
    }
  }

  /** Leaves so much room on the disk; what fills it goes with `freeDisk`. */
  fillDisk(roomBytes: number): void {
    const { bavail, bsize } = statfsSync(this.disk);
    run(
      'fallocate',
      ['-l', String(Math.max(bsize, bavail * bsize - roomBytes)), join(this.disk, 'ballast')],
      true,
    );
  }

  freeDisk(): void {
    rmSync(join(this.disk, 'ballast'), { force: true });
  }

  /** The wall clock, and how long a sync takes. */
  control(wallOffsetMs: number, syncDelayMs: number): void {
    const bytes = Buffer.alloc(24);
    bytes.writeBigInt64LE(BigInt(wallOffsetMs), 0);
    bytes.writeBigInt64LE(BigInt(syncDelayMs), 8);
    const file = openSync(this.controlPath, 'r+');
    writeSync(file, bytes, 0, 24, 0);
    closeSync(file);
  }

  /** Packets of the clients no longer arrive here. */
  dropClients(): void {
    this.drop(this.lab.clientAddress);
  }

  /** Not `ip netns exec`: that has a view of the mounts of its own, in which a disk would stay mounted. */
  private get networkOption(): string {
    return `--net=/run/netns/${this.namespace}`;
  }

  /** A command and its arguments as they run on this machine. */
  command(args: readonly string[]): string[] {
    const env = [`CHAOS_CONTROL=${this.controlPath}`, `LD_PRELOAD=${this.lab.shim}`, 'UV_USE_IO_URING=0'];
    return ['nsenter', this.networkOption, 'env', ...env, ...args];
  }

  end(): void {
    run('ip', ['netns', 'del', this.namespace], true);
    for (const [disk, image] of this.disks) {
      run('umount', ['-l', disk], true);
      rmSync(image, { force: true });
    }
  }

  private inside(command: string, args: readonly string[]): void {
    run('nsenter', [this.networkOption, command, ...args]);
  }
}

export class Lab {
  readonly name: string;
  readonly prefix: string;
  readonly bridge: string;
  readonly path: string;
  readonly shim: string;
  readonly cutPower: string;
  readonly machines: readonly Machine[];

  constructor(path: string, count: number, sizeMiB: number) {
    const unique = process.pid % 10_000;
    this.name = `ch${unique}`;
    this.prefix = `10.${100 + (unique % 100)}.${Math.floor(unique / 100)}`;
    this.bridge = `${this.name}b`;
    this.path = path;
    this.shim = join(path, 'shim.so');
    this.cutPower = join(path, 'cut-power');
    this.machines = Array.from({ length: count }, (_, i) => new Machine(this, i + 1, sizeMiB));
  }

  /** The address from which clients speak. */
  get clientAddress(): string {
    return `${this.prefix}.254`;
  }

  begin(): void {
    mkdirSync(this.path, { recursive: true });
    run('gcc', ['-O1', '-shared', '-fPIC', '-o', this.shim, join(native, 'shim.c'), '-ldl']);
    run('gcc', ['-O1', '-o', this.cutPower, join(native, 'cut-power.c')]);
    run('ip', ['link', 'add', this.bridge, 'type', 'bridge']);
    run('ip', ['addr', 'add', `${this.clientAddress}/24`, 'dev', this.bridge]);
    run('ip', ['link', 'set', this.bridge, 'up']);
    for (const machine of this.machines) machine.begin();
  }

  close(): void {
    for (const machine of this.machines) machine.end();
    run('ip', ['link', 'del', this.bridge], true);
  }
}
