/**
 * Checks of decoded messages, derived from the descriptor. Protobuf does not check these, but the rest of the code relies on
 * them: 64-bit integers are safe JavaScript integers, required messages are present, enum values are known, ids are valid
 * UUIDs. A message that fails a check is malformed and ends its stream.
 */
import { MalformedError } from '../base/protobuf.ts';
import { isUuid } from '../base/uuid.ts';

export interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface MessageType {
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>;
  readonly fields?: Readonly<Record<string, Field>>;
  readonly nested?: Readonly<Record<string, unknown>>;
  readonly values?: Readonly<Record<string, number>>;
  readonly methods?: Readonly<
    Record<string, { readonly requestType: string; readonly responseType: string }>
  >;
}

/** The part of protobufjs's JSON format that is used here. */
export interface Namespace {
  readonly nested: Readonly<Record<string, Namespace | MessageType>>;
}

type Check = (message: Record<string, unknown>) => void;
type ValueCheck = (value: unknown) => void;

const wideTypes: readonly string[] = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];
const scalarTypes: readonly string[] = [
  ...wideTypes,
  ...['int32', 'uint32', 'sint32', 'fixed32', 'sfixed32', 'bool', 'string', 'bytes', 'double', 'float'],
];
const idFields = /(directoryId|topicId)$/;

/** The checks of a package's message types. The check of a type is built when it is first used. */
export class Checks {
  readonly #types: Readonly<Record<string, MessageType>>;
  readonly #made = new Map<string, Check>();

  constructor(types: Readonly<Record<string, MessageType>>) {
    this.#types = types;
  }

  /** The check of a message type: a function that throws `MalformedError`. */
  of(typeName: string): Check {
    let check = this.#made.get(typeName);
    if (check === undefined) {
      check = this.#make(typeName, this.#types[typeName] ?? {});
      this.#made.set(typeName, check);
    }
    return check;
  }

  #make(typeName: string, type: MessageType): Check {
    const alternatives = Object.values(type.oneofs ?? {}).flatMap(({ oneof }) => oneof);
    const steps: { name: string; check: ValueCheck; isRepeated: boolean; mayBeAbsent: boolean }[] = [];
    for (const [name, field] of Object.entries(type.fields ?? {})) {
      const check = this.#valueCheck(`${typeName}.${name}`, name, field, type);
      const isRepeated = field.rule === 'repeated';
      if (check !== null) steps.push({ name, check, isRepeated, mayBeAbsent: alternatives.includes(name) });
    }
    return (message) => {
      for (const { name, check, isRepeated, mayBeAbsent } of steps) {
        const value = message[name];
        if (isRepeated) for (const one of value as unknown[]) check(one);
        else if (!mayBeAbsent || value !== undefined) check(value);
      }
    };
  }

  #valueCheck(place: string, name: string, field: Field, type: MessageType): ValueCheck | null {
    if (wideTypes.includes(field.type))
      return (value) => {
        if (!Number.isSafeInteger(value)) throw new MalformedError(`${place} is out of range`);
      };
    if (field.type === 'string' && idFields.test(name))
      return (value) => {
        if (!isUuid(value as string)) throw new MalformedError(`${place} is not an id`);
      };
    if (scalarTypes.includes(field.type)) return null;
    if (type.nested?.[field.type] !== undefined || this.#types[field.type]?.values !== undefined)
      return (value) => {
        if (typeof value !== 'string') throw new MalformedError(`${place} has an unknown value`);
      };
    return (value) => {
      if (value === null || value === undefined) throw new MalformedError(`${place} is missing`);
      this.of(field.type)(value as Record<string, unknown>);
    };
  }
}
