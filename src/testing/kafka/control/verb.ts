/**
 * The type `Verb`: one request of the control API, with its method, path, fields and action. Also fields that many verbs share.
 */
import type { TestKafka } from '../cluster.ts';
import type { Fault } from '../faults.ts';
import type { Snapshot } from '../snapshot.ts';
import { durationMs } from '../time.ts';

/** The request is invalid. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}

/** The request names something that does not exist. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

export type FieldType =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'duration'
  | 'object'
  | 'strings'
  | 'integers'
  | 'records';

export interface VerbField {
  readonly type: FieldType;
  readonly about: string;
  readonly isRequired?: boolean;
}

export type Values = Readonly<Record<string, unknown>>;

/** A cluster, with the faults and snapshots that HTTP callers refer to by id. */
export interface ControlledCluster {
  readonly kafka: TestKafka;
  readonly faults: Map<string, Fault>;
  readonly snapshots: Map<string, Snapshot>;
  nextId: number;
}

export interface Verb {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The path; a segment in braces, such as `{id}`, is a parameter. */
  readonly path: string;
  readonly about: string;
  /** Fields of the body; with GET, of the query string. */
  readonly fields: Readonly<Record<string, VerbField>>;
  run(cluster: ControlledCluster, values: Values, path: Readonly<Record<string, string>>): Promise<unknown>;
}

export const timeout: VerbField = {
  type: 'duration',
  about: 'How long to wait, such as "5s"; 30 s by default.',
};
export const topicField: VerbField = { type: 'string', about: 'Name of the topic.', isRequired: true };
export const partitionField: VerbField = { type: 'integer', about: 'The partition, 0 by default.' };

/** The time-out of a wait, if the request gives one. */
export function waitOf({ timeout: given }: Values): { timeout?: number } {
  return given === undefined ? {} : { timeout: durationMs(given as string | number) };
}
