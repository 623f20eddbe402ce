/**
 * Completes or reverts what a crash may leave in a partition's directory. `.deleted` files, and `.tmp` files of unfinished
 * writes, are removed. `.cleaned` files are an unfinished compaction and are removed. A `.swap` log is a finished compaction:
 * the segments that it replaces are removed, and it gets their name.
 */
import type { FileSystem } from '../../base/file-system.ts';
import { scanBatches } from '../segment/batch-scan.ts';
import type { SegmentFileName } from '../names.ts';
import { parseSegmentFileName, segmentFileName } from '../names.ts';

/** Returns the names of the remaining files. */
export async function finishSwaps(
  fs: FileSystem,
  directory: string,
  names: readonly string[],
): Promise<string[]> {
  const leftovers = names.some((name) => /\.(deleted|cleaned|swap|tmp)$/.test(name));
  if (!leftovers) return [...names];
  for (const name of names) {
    const file = parseSegmentFileName(name);
    const temporary = name.endsWith('.tmp') && parseSegmentFileName(name.slice(0, -4)) !== null;
    if (temporary || (file !== null && (file.suffix === '.deleted' || file.suffix === '.cleaned'))) {
      await fs.remove(`${directory}/${name}`);
    }
  }
  const files = names.map(parseSegmentFileName).filter((file): file is SegmentFileName => file !== null);
  const swaps = files.filter((file) => file.suffix === '.swap');
  // After `kill -9` the name of the new segment may not be durable yet. The old segments must not be removed before it is.
  if (swaps.length > 0) await fs.syncDirectory(directory);
  for (const swap of swaps.filter((file) => file.extension === 'log'))
    await replaceBySwap(fs, directory, swap, files);
  // Otherwise a power cut could restore a replaced segment beside the segment that replaces it.
  if (swaps.length > 0) await fs.syncDirectory(directory);
  // The `.swap` files get their final names. An index file whose log is still `.cleaned` belongs to a swap that did not happen.
  const unswapped = new Set(
    files.flatMap(({ extension, suffix, offset }) =>
      extension === 'log' && suffix === '.cleaned' ? offset : [],
    ),
  );
  for (const swap of swaps) {
    const from = `${directory}/${segmentFileName(swap.offset, swap.extension, '.swap')}`;
    if ((await fs.stat(from)) === null) continue;
    if (unswapped.has(swap.offset)) await fs.remove(from);
    else await fs.rename(from, `${directory}/${segmentFileName(swap.offset, swap.extension)}`);
  }
  await fs.syncDirectory(directory);
  return fs.list(directory);
}

async function replaceBySwap(
  fs: FileSystem,
  directory: string,
  swap: SegmentFileName,
  files: readonly SegmentFileName[],
): Promise<void> {
  const end = await endOffset(
    fs,
    `${directory}/${segmentFileName(swap.offset, 'log', '.swap')}`,
    swap.offset,
  );
  for (const file of files) {
    if (file.suffix !== '' || file.extension === 'snapshot') continue;
    if (file.offset < swap.offset || file.offset >= Math.max(end, swap.offset + 1)) continue;
    await fs.remove(`${directory}/${segmentFileName(file.offset, file.extension)}`);
  }
}

async function endOffset(fs: FileSystem, path: string, baseOffset: number): Promise<number> {
  const sizeBytes = (await fs.stat(path))?.sizeBytes ?? 0;
  const file = await fs.open(path, 'read');
  try {
    const options = { from: 0, to: sizeBytes, verifyCrc: false, offsetMin: baseOffset };
    return (await scanBatches(file, options, () => undefined)).nextOffset ?? baseOffset;
  } finally {
    await file.close();
  }
}
