/**
 * What goes into the translation of a container's environment and what comes out of it. The translation is pure;
 * `docker-entrypoint.ts` does the I/O.
 */

/** The images whose environment variables are supported. A dialect is the rules by which an image reads its variables. */
export const dialects = ['apache', 'confluent', 'bitnami', 'wurstmeister'] as const;
export type Dialect = (typeof dialects)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ContainerInput {
  readonly env: Environment;
  /** The dialect, when the caller knows the image. When null, the variables decide. */
  readonly dialect: Dialect | null;
  /** A prefix for all paths that the image has by itself. Empty in a container; tests use a temporary folder. */
  readonly root: string;
  /** Returns the text of a mounted file; null when there is none. */
  readonly readFile: (path: string) => string | null;
}

export interface PlannedProperty {
  readonly value: string;
  /** The variable or the file that set the value, or the reason why the translation chose it. */
  readonly origin: string;
}

export interface PlannedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Null when the broker's default applies. */
  readonly cleanupPolicy: string | null;
}

export interface ContainerPlan {
  readonly dialect: Dialect;
  /** The reason for the dialect, for the log. */
  readonly why: string;
  readonly properties: ReadonlyMap<string, PlannedProperty>;
  readonly clusterId: string;
  /** More arguments for `kafka-storage format`. */
  readonly formatArguments: readonly string[];
  /** Topics to create once the node runs. */
  readonly topics: readonly PlannedTopic[];
  /** Sentences for the person who starts the container, about what was ignored or chosen. */
  readonly notes: readonly string[];
}

/** The variables contradict each other. The container cannot start, and the message says what to change. */
export class ContainerError extends Error {
  override readonly name = 'ContainerError';
}
