/**
 * DescribeUserScramCredentials (50), v0. The SCRAM mechanisms and iteration counts of the users in `users`, or of all users if
 * that is null or empty. Credentials come from `kafka-storage format --add-scram` or AlterUserScramCredentials.
 * Not done:  SASL itself, so no listener uses the credentials.
 */
import { groupBy } from '../../../base/collections.ts';
import { Errors } from '../../../protocol/errors.ts';
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
} from '../../../protocol/messages/security/50-describe-user-scram-credentials.ts';
import { defineHandler, type Handler } from '../../handler.ts';

export function createDescribeUserScramCredentialsHandler(): Handler {
  return defineHandler(DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse, {
    versions: '0',
    listeners: ['broker', 'controller'],
    handle({ users }, { image }) {
      const known = groupBy(image.security.scram.values(), ({ name }) => name);
      // As in Kafka, an empty list means all users as well.
      const names = users === null || users.length === 0 ? [...known.keys()] : users.map(({ name }) => name);
      const results = [...new Set(names)].map((user) => {
        const isTwice = names.indexOf(user) !== names.lastIndexOf(user);
        return describe(user, isTwice, known.get(user) ?? []);
      });
      return { errorCode: 0, errorMessage: '', results };
    },
    failed: (_request, error, _context, errorMessage) => ({
      errorCode: error.code,
      errorMessage,
      results: [],
    }),
  });
}

function describe(
  user: string,
  isTwice: boolean,
  known: readonly { mechanism: number; iterations: number }[],
) {
  if (isTwice) {
    const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
    return { user, errorCode: Errors.DUPLICATE_RESOURCE.code, errorMessage, credentialInfos: [] };
  }
  if (known.length === 0) {
    const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`;
    return { user, errorCode: Errors.RESOURCE_NOT_FOUND.code, errorMessage, credentialInfos: [] };
  }
  return { user, errorCode: 0, errorMessage: '', credentialInfos: known };
}
