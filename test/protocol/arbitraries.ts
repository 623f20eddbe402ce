/** Random values for a schema: values that a caller may pass to `encode` in a given version. */
import fc from 'fast-check';
import { uuidFromBytes } from '../../src/base/uuid.ts';
import { defaultOf, isNullable, isPresent } from '../../src/protocol/codec/layout.ts';
import type { Field, Shape } from '../../src/protocol/schema/fields.ts';

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constant('x'.repeat(300)),
);
const blob = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.integer({ min: 0, max: 255 }).map((byte) => new Uint8Array(3000).fill(byte)),
);

function scalarOf(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 });
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 });
    case 'int32':
      return fc.integer();
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'int64':
      return fc.oneof(
        { arbitrary: fc.maxSafeInteger(), weight: 3 },
        { arbitrary: fc.constantFrom(2 ** 63, -(2 ** 63), 2 ** 53, -(2 ** 62)), weight: 1 },
      );
    case 'float64':
      return fc.double({ noNaN: true });
    case 'string':
      return text;
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => uuidFromBytes(bytes));
    default:
      return blob;
  }
}

function fieldOf(field: Field, version: number): fc.Arbitrary<unknown> {
  let value: fc.Arbitrary<unknown>;
  if (field.kind === 'array') value = fc.array(fieldOf(field.element as Field, version), { maxLength: 3 });
  else if (field.kind === 'struct') value = shapeOf(field.fields as Shape, version);
  else value = scalarOf(field);
  return isNullable(field, version) ? fc.option(value, { nil: null, freq: 4 }) : value;
}

/** Whole values, as they are decoded, in which the fields that `version` lacks have their defaults. */
export function shapeOf(shape: Shape, version: number): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(
      Object.entries(shape).map(([name, field]) => [
        name,
        isPresent(field, version)
          ? fc.oneof(
              { arbitrary: fieldOf(field, version), weight: 4 },
              // In some messages the default is null, although this version does not allow null on the wire.
              ...(field.default === null && !isNullable(field, version)
                ? []
                : [{ arbitrary: fc.constant(null).map(() => defaultOf(field)), weight: 1 }]),
            )
          : fc.constant(null).map(() => defaultOf(field)),
      ]),
    ),
    { noNullPrototype: true },
  );
}
