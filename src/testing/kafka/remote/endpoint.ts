/**
 * One end of the connection (link) between the thread of a test and that of its clusters. Both ends work alike: each handles
 * calls on the objects and functions that it has passed to the other end, and makes stand-ins for those that it has received.
 * Only the test's end can block its thread until a response arrives.
 */
import { decode, encode, type References, type Wire } from './codec.ts';
import { type KindName, kinds, type Members } from './members.ts';

export type Message =
  | {
      readonly type: 'call';
      readonly sequence: number;
      readonly target: number;
      readonly path: readonly string[];
      readonly args: Wire | null;
      readonly isNow: boolean;
    }
  | { readonly type: 'answer'; readonly sequence: number; readonly value: Wire; readonly isError: boolean }
  | { readonly type: 'forget'; readonly target: number; readonly times: number };

export interface Link {
  send(message: Message): void;
  /** Sends a call and blocks this thread until the response has arrived. Only the test's end has it. */
  readonly ask?: (message: Message) => Message & { readonly type: 'answer' };
  /** Sends the response to a call that blocks the test's thread. Only the clusters' end has it. */
  readonly answer?: (message: Message) => void;
}

export interface EndpointOptions {
  /** The kind of an object that stays at this end; null: it is copied. */
  readonly kindOf?: (value: object) => KindName | null;
  /** Called with each new stand-in. */
  readonly onStandIn?: ((kind: KindName, standIn: object) => void) | undefined;
  /** Called with 1 when a call waits for its answer, and with -1 when it has it. */
  readonly onPending?: ((by: 1 | -1) => void) | undefined;
}

interface Stay {
  readonly value: object;
  /** How often the object was passed to the other end. It is released when the other end has released all of these. */
  times: number;
}

/** Stand-ins of all ends, so that a stand-in that is passed back, or to another end, is recognised. */
const standIns = new WeakMap<object, { readonly endpoint: Endpoint; readonly target: number }>();

export class Endpoint implements References {
  private readonly link: Link;
  private readonly kindOf: NonNullable<EndpointOptions['kindOf']>;
  private readonly onStandIn: EndpointOptions['onStandIn'];
  private readonly onPending: EndpointOptions['onPending'];
  private readonly staying = new Map<number, Stay>();
  private readonly targets = new WeakMap<object, number>();
  private readonly known = new Map<number, { readonly standIn: WeakRef<object>; times: number }>();
  private readonly gone: FinalizationRegistry<number>;
  private readonly waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void }
  >();
  private nextTarget = 1;
  private nextSequence = 1;
  /** Whether functions that are passed now will be called by an end that blocks for the result. */
  private handsOut: 'call' | 'ask' = 'ask';
  private ended: Error | null = null;

  /** `root`: the object on which the other end can make calls from the beginning, as target 0. */
  constructor(link: Link, root: object, options: EndpointOptions = {}) {
    this.link = link;
    this.kindOf = options.kindOf ?? ((): null => null);
    this.onStandIn = options.onStandIn;
    this.onPending = options.onPending;
    this.staying.set(0, { value: root, times: Number.POSITIVE_INFINITY });
    this.gone = new FinalizationRegistry((target) => this.forget(target));
  }

  /** Calls a method of the other end and returns its promise. */
  later(target: number, path: readonly string[], args: readonly unknown[]): Promise<unknown> {
    if (this.ended !== null) return Promise.reject(this.ended);
    const call = this.callOf(target, path, args, false);
    const caller = new Error();
    return new Promise((resolve, reject) => {
      this.onPending?.(1);
      const settle = (): void => this.onPending?.(-1);
      this.waiting.set(call.sequence, {
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          reject(withCaller(error, caller));
        },
      });
      this.link.send(call);
    });
  }

  /** Reads a property (`args` is null) or calls a method of the other end, and blocks until the response has arrived. */
  now(target: number, path: readonly string[], args: readonly unknown[] | null): unknown {
    if (this.ended !== null) throw this.ended;
    if (this.link.ask === undefined)
      throw new TypeError('Only the thread of the test can wait for a response.');
    const { value, isError } = this.link.ask(this.callOf(target, path, args, true));
    const result = decode(value, this);
    if (isError) throw result;
    return result;
  }

  /** Handles a message from the other end. */
  receive(message: Message): void {
    if (message.type === 'call') this.serve(message);
    else if (message.type === 'forget') this.release(message.target, message.times);
    else {
      const call = this.waiting.get(message.sequence);
      this.waiting.delete(message.sequence);
      const result = decode(message.value, this);
      if (message.isError) call?.reject(result);
      else call?.resolve(result);
    }
  }

  /** Called when the other end has ended: pending calls and all later ones are rejected with the error. */
  end(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  refer(value: object): readonly unknown[] | null {
    const standIn = standIns.get(value);
    if (standIn?.endpoint === this) return ['yours', standIn.target];
    const kind = typeof value === 'function' ? 'function' : this.kindOf(value);
    if (kind === null) return null;
    let target = this.targets.get(value);
    if (target === undefined) {
      target = this.nextTarget++;
      this.targets.set(value, target);
    }
    const stay = this.staying.get(target) ?? { value, times: 0 };
    stay.times++;
    this.staying.set(target, stay);
    return ['mine', target, kind, this.handsOut];
  }

  resolve([side, target, kind, how]: readonly [string, number, string, 'call' | 'ask']): unknown {
    if (side === 'yours') return this.staying.get(target)?.value;
    const known = this.known.get(target);
    const present = known?.standIn.deref();
    if (known !== undefined && present !== undefined) {
      known.times++;
      return present;
    }
    const standIn =
      kind === 'function'
        ? this.functionOf(target, how)
        : this.objectOf(target, [], kinds[kind as KindName] as Members);
    standIns.set(standIn, { endpoint: this, target });
    if (kind !== 'function') this.onStandIn?.(kind as KindName, standIn);
    this.known.set(target, { standIn: new WeakRef(standIn), times: (known?.times ?? 0) + 1 });
    this.gone.register(standIn, target);
    return standIn;
  }

  private callOf(target: number, path: readonly string[], args: readonly unknown[] | null, isNow: boolean) {
    this.handsOut = 'ask';
    const encoded = args === null ? null : encode(args, this);
    return { type: 'call' as const, sequence: this.nextSequence++, target, path, args: encoded, isNow };
  }

  private serve(call: Message & { readonly type: 'call' }): void {
    const answer = (value: unknown, isError: boolean): void => {
      this.handsOut = call.isNow ? 'call' : 'ask';
      const message: Message = {
        type: 'answer',
        sequence: call.sequence,
        value: encode(value, this),
        isError,
      };
      if (call.isNow) this.link.answer?.(message);
      else this.link.send(message);
    };
    let result: unknown;
    try {
      result = this.carryOut(call);
    } catch (error) {
      answer(error, true);
      return;
    }
    if (call.isNow) answer(result, false);
    else
      Promise.resolve(result).then(
        (value) => answer(value, false),
        (error: unknown) => answer(error, true),
      );
  }

  private carryOut({ target, path, args }: Message & { readonly type: 'call' }): unknown {
    let owner: unknown;
    let value: unknown = this.staying.get(target)?.value;
    for (const name of path) {
      owner = value;
      value = (value as Record<string, unknown>)[name];
    }
    if (args === null) return value;
    return (value as (...args: unknown[]) => unknown).apply(owner, decode(args, this) as unknown[]);
  }

  private functionOf(target: number, how: 'call' | 'ask'): object {
    if (how === 'call') return (...args: unknown[]) => this.now(target, [], args);
    return (...args: unknown[]) => {
      const outcome = this.later(target, [], args);
      // A caller may ignore the promise, for example of a function for log lines; that must not end the process with an
      // unhandled rejection.
      outcome.catch(() => {});
      return outcome;
    };
  }

  private objectOf(target: number, path: readonly string[], members: Members): object {
    const object: Record<string | symbol, unknown> = {};
    for (const [name, how] of Object.entries(members)) {
      const at = [...path, name];
      if (how === 'call') object[name] = (...args: unknown[]) => this.now(target, at, args);
      else if (how === 'ask') object[name] = (...args: unknown[]) => this.later(target, at, args);
      else if (how === 'get')
        Object.defineProperty(object, name, { enumerable: true, get: () => this.now(target, at, null) });
      else if (how !== 'inside') object[name] = this.objectOf(target, at, how);
    }
    return object;
  }

  private forget(target: number): void {
    const known = this.known.get(target);
    if (known === undefined || known.standIn.deref() !== undefined) return;
    this.known.delete(target);
    if (this.ended === null) this.link.send({ type: 'forget', target, times: known.times });
  }

  private release(target: number, times: number): void {
    const stay = this.staying.get(target);
    if (stay === undefined) return;
    stay.times -= times;
    if (stay.times <= 0) this.staying.delete(target);
  }
}

/**
 * Replaces the stack of an error of the other thread by that of the caller, so that a test framework shows the line of the
 * test.
 */
function withCaller(error: unknown, caller: Error): unknown {
  if (!(error instanceof Error)) return error;
  const [, , ...lines] = (caller.stack ?? '').split('\n');
  error.stack = [`${error.name}: ${error.message}`, ...lines].join('\n');
  return error;
}
