/**
 * `kafka-storage format --add-scram`: turns the description of a user into the record that the cluster stores. The record has
 * keys that are derived from the password, not the password itself.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import { record, type RecordOf } from '../../metadata/records.ts';
import { ToolError } from '../tool.ts';

const mechanisms: Readonly<Record<string, { code: number; hash: string; sizeBytes: number }>> = {
  'SCRAM-SHA-256': { code: 1, hash: 'sha256', sizeBytes: 32 },
  'SCRAM-SHA-512': { code: 2, hash: 'sha512', sizeBytes: 64 },
};
const iterationsMin = 4096;
const iterationsMax = 16_384;
const saltBytes = 24;

function fields(argument: string): { mechanism: string; values: Map<string, string> } {
  const at = argument.indexOf('=');
  if (at < 0) throw new ToolError(`Failed to find equals sign in SCRAM argument '${argument}'`);
  const mechanism = argument.slice(0, at);
  const body = argument.slice(at + 1).trim();
  if (mechanisms[mechanism] === undefined) {
    throw new ToolError(`The add-scram mechanism ${mechanism} is not supported.`);
  }
  if (!body.startsWith('[')) throw new ToolError('Expected configuration string to start with [');
  if (!body.endsWith(']')) throw new ToolError('Expected configuration string to end with ]');
  const values = new Map<string, string>();
  for (const pair of body.slice(1, -1).split(',')) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    values.set(
      pair.slice(0, equals).trim(),
      pair
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
  }
  return { mechanism, values };
}

function iterationsOf(values: ReadonlyMap<string, string>, mechanism: string): number {
  const text = values.get('iterations');
  if (text === undefined) return iterationsMin;
  const iterations = Number(text);
  const shown = mechanism.replaceAll('-', '_');
  if (!(iterations >= iterationsMin)) {
    throw new ToolError(`The 'iterations' value must be >= ${iterationsMin} for add-scram using ${shown}`);
  }
  if (iterations > iterationsMax) {
    throw new ToolError(`The 'iterations' value must be <= ${iterationsMax} for add-scram using ${shown}`);
  }
  return iterations;
}

/**
 * Returns the record for a description such as `SCRAM-SHA-256=[name=alice,password=alice-secret]`. Throws `ToolError` with
 * Kafka's message.
 */
export function scramRecord(argument: string, random: Random): RecordOf<'UserScramCredentialRecord'> {
  const { mechanism, values } = fields(argument);
  const { code, hash, sizeBytes } = mechanisms[mechanism] as (typeof mechanisms)[string];
  const name = values.get('name');
  if (name === undefined) throw new ToolError("You must supply 'name' to add-scram");
  const [password, saltedText, saltText] = [
    values.get('password'),
    values.get('saltedpassword'),
    values.get('salt'),
  ];
  if (password === undefined && saltedText === undefined) {
    throw new ToolError("You must supply one of 'password' or 'saltedpassword' to add-scram");
  }
  if (password !== undefined && saltedText !== undefined) {
    throw new ToolError("You must only supply one of 'password' or 'saltedpassword' to add-scram");
  }
  if (saltedText !== undefined && saltText === undefined) {
    throw new ToolError("You must supply 'salt' with 'saltedpassword' to add-scram");
  }
  const iterations = iterationsOf(values, mechanism);
  const salt = saltText === undefined ? random.bytes(saltBytes) : Buffer.from(saltText, 'base64');
  const salted =
    password === undefined
      ? Buffer.from(saltedText as string, 'base64')
      : pbkdf2Sync(password.normalize('NFKC'), salt, iterations, sizeBytes, hash);
  const clientKey = createHmac(hash, salted).update('Client Key').digest();
  return record('UserScramCredentialRecord', {
    name,
    mechanism: code,
    salt,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update('Server Key').digest(),
    iterations,
  });
}
