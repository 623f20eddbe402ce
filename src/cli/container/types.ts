/**
 * The input and output of the translation of a container's environment. The translation is pure; `docker-entrypoint.ts` is its
 * driver.
 */

/** The images whose environment variables are supported. */
export const dialects = ['apache', 'confluent', 'bitnami', 'wurstmeister'] as const;
export type Dialect = (typeof dialects)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ContainerInput {
  readonly env: Environment;
  /** The image's dialect when the caller knows it; null: the variables decide. */
  readonly dialect: Dialect | null;
  /** Prefix of every path that the image itself chooses: empty in a container, a folder in tests. */
  readonly root: string;
  /** Text of a mounted file; null when there is none. */
  readonly readFile: (path: string) => string | null;
}

export interface PlannedProperty {
  readonly value: string;
  /** The variable or file that set the value, or why the entry point chose it. */
  readonly origin: string;
}

export interface PlannedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Null: the broker's default. */
  readonly cleanupPolicy: string | null;
}

export interface ContainerPlan {
  readonly dialect: Dialect;
  /** Why this dialect was chosen. */
  readonly why: string;
  readonly properties: ReadonlyMap<string, PlannedProperty>;
  readonly clusterId: string;
  /** Further arguments for `kafka-storage format`. */
  readonly formatArguments: readonly string[];
  /** Topics to create when the node runs. */
  readonly topics: readonly PlannedTopic[];
  /** What was ignored or chosen, in sentences for the person who starts the container. */
  readonly notes: readonly string[];
}

/** The environment contradicts itself: the container cannot start, and the message says what to change. */
export class ContainerError extends Error {
  override readonly name = 'ContainerError';
}
