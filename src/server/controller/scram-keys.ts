/** StoredKey and ServerKey of RFC 5802, which a server keeps instead of the password. */
import { createHash, createHmac } from 'node:crypto';

export function scramKeys(
  mechanism: number,
  saltedPassword: Uint8Array,
): { storedKey: Uint8Array; serverKey: Uint8Array } {
  const hash = mechanism === 2 ? 'sha512' : 'sha256';
  const clientKey = createHmac(hash, saltedPassword).update('Client Key').digest();
  return {
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, saltedPassword).update('Server Key').digest(),
  };
}
