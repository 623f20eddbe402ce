/** What a row of the table of verbs is, and the fields that many rows have. */
import type { TestKafka } from '../cluster.ts';
import type { Fault } from '../faults.ts';
import type { Snapshot } from '../snapshot.ts';
import { durationMs } from '../time.ts';

/** A request that the caller must change. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}

/** What the caller named is not there. */
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

/** A cluster with what callers over HTTP hold: faults and snapshots by their ids. */
export interface ControlledCluster {
  readonly kafka: TestKafka;
  readonly faults: Map<string, Fault>;
  readonly snapshots: Map<string, Snapshot>;
  nextId: number;
}

export interface Verb {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Segments in braces are parameters. */
  readonly path: string;
  readonly about: string;
  /** Of the body; with GET, of the query. */
  readonly fields: Readonly<Record<string, VerbField>>;
  run(cluster: ControlledCluster, values: Values, path: Readonly<Record<string, string>>): Promise<unknown>;
}

export const timeout: VerbField = {
  type: 'duration',
  about: 'How long to wait, such as "5s"; 30 s by default.',
};
export const topicField: VerbField = { type: 'string', about: 'Name of the topic.', isRequired: true };
export const partitionField: VerbField = { type: 'integer', about: 'The partition, 0 by default.' };

/** The deadline of a wait, where one is given. */
export function waitOf({ timeout: given }: Values): { timeout?: number } {
  return given === undefined ? {} : { timeout: durationMs(given as string | number) };
}
