/**
 * Interprets LevelDB's errors. Their code only says that an operation failed (`LEVEL_IO_ERROR`, or `LEVEL_DATABASE_NOT_OPEN` with a
 * cause); the reason is in the message, in the words of the C library.
 */
/**
 * A disk error, or a lock of another process, prevents LevelDB from using its files. This is not a `StorageError`, because without
 * the metadata log the node must stop: it cannot continue with other directories.
 */
export class MetadataDiskError extends Error {
  override readonly name = 'MetadataDiskError';
  /** The system's code, such as `ENOSPC` or `EIO`; or `ELOCKED`. */
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

/** The error code for each message of the C library. `telemetry/remedies.ts` has remedies for these codes. */
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

/** Whether LevelDB reports damaged, missing or short files, as opposed to an error of the disk or the machine. */
export function isLevelDamage(error: unknown): boolean {
  const { code, message } = causeOf(error);
  return code === 'LEVEL_CORRUPTION' || /No such file|Invalid argument/.test(message ?? '');
}

/** LevelDB's description of the error. */
export function levelWords(error: unknown): string {
  const { message } = causeOf(error);
  return message === undefined || message === '' ? 'LevelDB reports corruption' : message;
}

/** A `MetadataDiskError` that names the directory, if the disk or another process caused the error; otherwise the same error. */
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
