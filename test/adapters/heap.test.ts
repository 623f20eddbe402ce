import { expect, test } from 'vitest';
import { growingPercent } from '../../src/adapters/heap.ts';

const mebibyte = 1024 * 1024;

test('a small heap may grow to several times its size, a large one by a fraction', () => {
  expect(growingPercent(8 * mebibyte)).toBe(500);
  expect(growingPercent(32 * mebibyte)).toBe(200);
  expect(growingPercent(128 * mebibyte)).toBe(50);
  expect(growingPercent(2048 * mebibyte)).toBe(30);
});
