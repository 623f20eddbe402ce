/**
 * What LevelDB's errors mean. It says with a code only that something failed (`LEVEL_IO_ERROR`, or `LEVEL_DATABASE_NOT_OPEN` with a
 * cause), and what in the words of the C library.
 */
/**
 * The disk, or another process, keeps LevelDB from its files. No `StorageError`: without the metadata log a node ends, and does not go on
 * with its other directories.
 */
export class MetadataDiskError extends Error {
  override readonly name = 'MetadataDiskError';
  /** The system's: `ENOSPC`, `EIO`, …; `ELOCKED`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

interface LevelError {
  readonly code?: string;
  readonly message?: string;
  readonly cause?: LevelError;
}

/** The codes that the rest of the program knows (`telemetry/remedies.ts` says what to do), by those words. */
const codes: readonly (readonly [words: RegExp, code: string])[] = [
  [/No space left on device|not enough space on the disk/, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/Read-only file system/, 'EROFS'],
  [/Permission denied|Operation not permitted|Access is denied/, 'EACCES'],
  [/Too many open files/, 'EMFILE'],
  [/Input\/output error/, 'EIO'],
];

function causeOf(error: unknown): LevelError {
  const { cause, ...own } = error as LevelError;
  return cause ?? { ...own, message: (error as Error).message };
}

/** Whether LevelDB reports damaged, missing or short files. An error of the disk or of the machine is another matter. */
export function isLevelDamage(error: unknown): boolean {
  const { code, message } = causeOf(error);
  return code === 'LEVEL_CORRUPTION' || /No such file|Invalid argument/.test(message ?? '');
}

/** The words in which LevelDB tells what failed. */
export function levelWords(error: unknown): string {
  const { message } = causeOf(error);
  return message === undefined || message === '' ? 'LevelDB reports corruption' : message;
}

/** A `MetadataDiskError` that names the directory, when the disk or another process is to blame; else the error as it is. */
export function diskErrorOf(error: unknown, directory: string): unknown {
  const { code = '', message = '' } = causeOf(error);
  if (code === 'LEVEL_LOCKED')
    return new MetadataDiskError(
      'ELOCKED',
      `another process uses the metadata log in ${directory} (${message})`,
    );
  if (code !== 'LEVEL_IO_ERROR') return error;
  const system = codes.find(([words]) => words.test(message))?.[1] ?? 'EIO';
  return new MetadataDiskError(system, `the metadata log in ${directory}: ${message}`);
}
