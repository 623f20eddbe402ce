/** Bounds of the broker that are not properties of Kafka. Each has a name, to which a test and docs/limits.md refer. */

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/**
 * Requests that are being read or handled may have this many bytes in all connections together, if `queued.max.request.bytes`
 * is not set (-1).
 */
export const requestBudgetBytes = 192 * mebibyte;
/** Further bytes that only small frames may use, so that heartbeats are handled while large frames wait for memory. */
export const requestReserveBytes = 8 * mebibyte;
/** A frame of at most this size is small. */
export const smallFrameBytes = 16 * kibibyte;
/**
 * Records of fetch responses that are being read from disk, or wait for a socket, may have this many bytes in all connections
 * together.
 */
export const fetchBudgetBytes = 64 * mebibyte;
/** A broker remembers at most this many client instances that push metrics (KIP-714). */
export const clientInstancesMax = 16_384;
/** Series of metrics that clients push: those of this broker, and those of one client instance. */
export const clientSeriesMax = 20_000;
export const clientSeriesPerInstanceMax = 2_000;
/** Characters of the names and labels of these series. */
export const clientSeriesCharactersMax = 16 * mebibyte;
/** Pushed metrics may have this many bytes once they are decompressed. */
export const pushUnpackedBytesMax = 4 * mebibyte;
/** Pushed metrics may contain this many protobuf messages: about ten for a value with four attributes. */
export const pushElementsMax = 100_000;
/** A connection may have at most this many requests in progress. Clients send at most 5 at once by default. */
export const requestsInFlightMax = 64;
/** Another broker may have at most this many requests in progress, over its stream. */
export const peerRequestsInFlightMax = 1_000;
/**
 * One call passes at most this many bytes to the socket, so that little more than this waits in the socket of a slow client.
 */
export const writeBytesMax = mebibyte;
/** A connection is closed if no bytes of an incomplete request arrive for this long. */
export const frameStallMs = 10_000;
/** A connection is closed if the client reads nothing of a response for this long. */
export const writeStallMs = 60_000;
/** Interval at which connections are checked for time-outs: idle, incomplete request, unread response. */
export const sweepIntervalMs = 2_500;
/** At most this many connections above the limits stay open, because they may be connections of other nodes. */
export const refusedConnectionsMax = 64;
/** A connection above the limits is closed if it sends no byte for this long. */
export const refusedSilenceMs = 1_000;
/** A request stays pending for at most this time, even if it requests a longer one. */
export const waitMsMax = 300_000;
/**
 * At most this many warnings about invalid input are logged per second, for all connections together. The others are only
 * counted.
 */
export const warningsPerSecondMax = 10;
/** A successful admin request waits at most this long until this broker's own image has the change. */
export const readYourWriteMs = 1_000;
/** A Metadata request waits at most this long for a topic that it creates. */
export const autoCreateWaitMs = 1_000;
/** At most this many fetches are pending. A further one gets its response at once, with the records that are available. */
export const pendingFetchesMax = 100_000;
/**
 * Each of the other purgatories (Produce, DeleteRecords, waits for metadata) holds at most this many requests. A further one
 * gets its response at once, as if it had timed out.
 */
export const pendingRequestsMax = 1_000_000;
/** At most this many states of clients are in memory, for each of the client quotas. */
export const quotaStatesMax = 10_000;
/** The users and client ids of these states have at most this many characters together. A single client id may have 32 KiB. */
export const quotaStateCharactersMax = 4 * mebibyte;
/** A state is dropped when its client was silent for this long, as in Kafka. */
export const quotaStateIdleMs = 3_600_000;
/** The metrics have the rates of at most this many clients, for each of the client quotas: the clients that were seen last. */
export const quotaMetricsMax = 1_000;
