/** The text for an error that prevented the start of a node: what happened, then what the operator can do. */
import { KafkaError } from '../protocol/errors.ts';
import { systemRemedies } from '../telemetry/remedies.ts';
import { DirectoryError } from './claimed-directories.ts';

/** What the operator can do when the controller refused the registration, by the name of the error. */
const registrationRemedies: Readonly<Record<string, string>> = {
  DUPLICATE_BROKER_REGISTRATION:
    'A broker with this node.id is in service: give this one another node.id and format its directories for it, or stop the other one.',
  INCONSISTENT_CLUSTER_ID:
    'The directories of this broker belong to another cluster than the controllers that it is configured for: correct controller.quorum.voters or controller.quorum.bootstrap.servers, or format empty directories with the id of this cluster.',
  INVALID_REGISTRATION:
    'The directories of log.dirs were copied from another broker: format empty directories for this one.',
  UNSUPPORTED_VERSION:
    'The cluster has features finalized that this release does not know: start the release that the other nodes run.',
  REQUEST_TIMED_OUT:
    'No active controller was found: start a majority of the controllers, and check controller.quorum.voters or controller.quorum.bootstrap.servers, which must name their addresses.',
};

export function startFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const remedy = remedyOf(error);
  if (remedy === undefined) return error.message;
  const { code } = error as { readonly code?: unknown };
  // Kafka's message for this error is Java's, and scripts search for it.
  const what = code === 'EADDRINUSE' ? `Address already in use (${error.message})` : error.message;
  return `${what}${/[.!?]$/.test(what) ? '' : '.'} ${remedy}`;
}

function remedyOf(error: Error): string | undefined {
  if (error instanceof DirectoryError) return error.remedy;
  if (error instanceof KafkaError) return registrationRemedies[error.error.name];
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? systemRemedies[code] : undefined;
}
