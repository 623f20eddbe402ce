/** The bound of the memory for indexes of cold segments. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexCacheBytesMax } from '../../src/log/manager/log-resources.ts';
import { IndexCache } from '../../src/log/segment/index-cache.ts';

const mebibyte = 2 ** 20;

function indexesOf(indexSizeBytes: number, mayDrop = true) {
  const indexes = {
    indexSizeBytes,
    isLoaded: true,
    dropIndexes: () => {
      if (mayDrop) indexes.isLoaded = false;
      return mayDrop;
    },
  };
  return indexes;
}

test('above indexCacheBytesMax the indexes used longest ago are dropped', () => {
  const cache = new IndexCache(indexCacheBytesMax);
  const fitting = indexCacheBytesMax / mebibyte;
  const all = Array.from({ length: fitting + 2 }, () => indexesOf(mebibyte));
  for (const indexes of all.slice(0, fitting)) cache.add(indexes);
  cache.touch(all[0] as (typeof all)[number]);
  for (const indexes of all.slice(fitting)) cache.add(indexes);
  expect(cache.sizeBytes).toBe(indexCacheBytesMax);
  expect(all.flatMap(({ isLoaded }, at) => (isLoaded ? [] : [at]))).toEqual([1, 2]);
});

test('the bound is exceeded only by the indexes added last and by those that can not be dropped now', () => {
  const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (list) => {
      const cache = new IndexCache(50);
      let fixedBytes = 0;
      for (const [sizeBytes, mayDrop] of list) {
        cache.add(indexesOf(sizeBytes, mayDrop));
        if (!mayDrop) fixedBytes += sizeBytes;
        expect(cache.sizeBytes).toBeLessThanOrEqual(Math.max(50, fixedBytes + (mayDrop ? sizeBytes : 0)));
      }
    }),
  );
});
