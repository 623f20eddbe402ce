/**
 * Forbids simulated code to use the real machine's clock, timers, random numbers, files and sockets. While a simulation runs,
 * such a call throws an error that names the port to use instead; afterwards the real functions are restored. Without this,
 * such a call would make two runs of one seed differ, and the cause would be hard to find.
 *
 * Not trapped: internal calls of Node and V8, and modules that kept a reference from before (`const now = Date.now`).
 */
import { assert } from '../base/assert.ts';

/** Code inside a simulation used the real machine. */
export class TrapError extends Error {
  override readonly name = 'TrapError';
}

type Restore = () => void;
type Callable = (...args: unknown[]) => unknown;

const clock = 'a Clock (base/clock.ts)';
const timer = 'a Scheduler (base/clock.ts)';
const chance = 'a Random (base/random.ts)';
const files = 'a FileSystem (base/file-system.ts)';
const sockets = 'a Network or PeerNetwork (base/network.ts)';
const turns = 'a promise or Scheduler.soon (base/clock.ts)';

const timerNames = ['setTimeout', 'setInterval', 'setImmediate'];
const chanceNames = [
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'generateKeyPair',
  'generateKeyPairSync',
];
const socketNames = ['connect', 'createConnection', 'createServer'];
const lookupNames = ['lookup', 'resolve', 'resolve4', 'resolve6', 'reverse'];

/**
 * The functions that remove the traps which are set now. A simulation inside another one shares its traps (`depth` counts
 * them).
 */
let restores: Restore[] = [];
let depth = 0;

/** Runs `body`, which must be synchronous, with the traps set. */
export function withTraps<T>(body: () => T): T {
  if (depth++ === 0) restores = setAll();
  try {
    return body();
  } finally {
    if (--depth === 0) lift();
  }
}

/** Runs `body` without traps from within a simulation, for example to print a line of its trace. */
export function outsideTraps<T>(body: () => T): T {
  if (depth === 0) return body();
  const before = depth;
  lift();
  depth = 0;
  try {
    return body();
  } finally {
    assert(depth === 0, 'a run that was begun outside of the traps ends there');
    depth = before;
    restores = setAll();
  }
}

function lift(): void {
  for (const restore of restores.reverse()) restore();
  restores = [];
  syncBuiltins();
}

function setAll(): Restore[] {
  const set: Restore[] = [trapDate()];
  const trap = (target: object, names: readonly string[], where: string, instead: string): void => {
    for (const name of names) {
      const restore = trapOne(target, name, where, instead);
      if (restore !== null) set.push(restore);
    }
  };
  trap(Math, ['random'], 'Math.', chance);
  trap(globalThis, timerNames, '', timer);
  trap(performance, ['now'], 'performance.', clock);
  trap(process, ['hrtime'], 'process.', clock);
  trap(process, ['nextTick'], 'process.', turns);
  trap(crypto, ['getRandomValues', 'randomUUID'], 'crypto.', chance);
  trap(builtin('node:timers'), timerNames, 'timers.', timer);
  trap(builtin('node:crypto'), chanceNames, 'crypto.', chance);
  trap(builtin('node:net'), socketNames, 'net.', sockets);
  trap(builtin('node:dns'), lookupNames, 'dns.', sockets);
  const fs = builtin('node:fs');
  trap(fs, functionsOf(fs), 'fs.', files);
  const promised = builtin('node:fs/promises');
  trap(promised, functionsOf(promised), 'fs.promises.', files);
  syncBuiltins();
  return set;
}

/** Makes named imports of builtin modules use the traps. */
function syncBuiltins(): void {
  (builtin('node:module') as unknown as { syncBuiltinESMExports(): void }).syncBuiltinESMExports();
}

function builtin(name: string): Record<string, unknown> {
  return process.getBuiltinModule(name) as unknown as Record<string, unknown>;
}

/**
 * The names of a module's functions. Classes (`Stats`, `ReadStream`) are left out, because code may refer to them without any
 * I/O.
 */
function functionsOf(module: Record<string, unknown>): string[] {
  return Object.keys(module).filter((name) => /^[a-z]/.test(name) && typeof module[name] === 'function');
}

/**
 * Replaces a function by one that throws. Returns the function that restores it; null when it does not exist or cannot be
 * replaced.
 */
function trapOne(target: object, name: string, where: string, instead: string): Restore | null {
  const holder = target as Record<string, unknown>;
  const original = holder[name];
  if (typeof original !== 'function') return null;
  const own = Object.getOwnPropertyDescriptor(holder, name);
  if (own !== undefined && own.configurable !== true) return null;
  const trapped: Callable = () => {
    throw new TrapError(`${where}${name} inside a simulation: use ${instead} that the world provides`);
  };
  Object.defineProperty(holder, name, {
    value: trapped,
    configurable: true,
    writable: true,
    enumerable: own?.enumerable ?? true,
  });
  return () => {
    if (own === undefined) Reflect.deleteProperty(holder, name);
    else Object.defineProperty(holder, name, own);
  };
}

/** `new Date(ms)` is a pure calculation and stays allowed; reading the current time is trapped. */
function trapDate(): Restore {
  const original = globalThis.Date;
  const refuse = (what: string): never => {
    throw new TrapError(`${what} inside a simulation: use ${clock} that the world provides`);
  };
  globalThis.Date = new Proxy(original, {
    construct: (target, args: unknown[]) =>
      args.length === 0 ? refuse('new Date()') : (Reflect.construct(target, args) as object),
    apply: () => refuse('Date()'),
    get: (target, key) => (key === 'now' ? () => refuse('Date.now') : (Reflect.get(target, key) as unknown)),
  });
  return () => {
    globalThis.Date = original;
  };
}
