import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertiesText } from '../../../src/cli/container/properties-text.ts';
import { parseProperties } from '../../../src/config/properties-file.ts';

test('parseProperties reads what propertiesText has written', () => {
  const key = fc.stringMatching(/^[a-zA-Z0-9._ :=#!\\-]+$/);
  fc.assert(
    fc.property(fc.dictionary(key, fc.string({ unit: 'binary' })), (all) => {
      const pairs = Object.entries(all);
      expect([...parseProperties(propertiesText(pairs))].sort()).toEqual(pairs.sort());
    }),
  );
});
