/** Bounds of the broker that are not Kafka properties. Each has a name, so that a test and docs/limits.md can refer to it. */

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** Bytes of requests that are being read or handled, over all connections, when `queued.max.request.bytes` is not set (-1). */
export const requestBudgetBytes = 192 * mebibyte;
/** Further bytes that only small frames may take, so that heartbeats pass while large frames wait for the budget. */
export const requestReserveBytes = 8 * mebibyte;
/** Largest size of a small frame. */
export const smallFrameBytes = 16 * kibibyte;
/** Record bytes of fetch responses that are being read from disk or wait for a socket, over all connections. */
export const fetchBudgetBytes = 64 * mebibyte;
/** Client instances with pushed metrics that a broker remembers (KIP-714). */
export const clientInstancesMax = 16_384;
/** Started requests of one connection without a response. Clients have at most 5 in flight by default. */
export const requestsInFlightMax = 64;
/** Started requests of one other broker, over its stream, without a response. */
export const peerRequestsInFlightMax = 1_000;
/** Bytes passed to the socket in one call, so that a slow reader never has more than this in the socket's queue. */
export const writeBytesMax = mebibyte;
/** A connection whose frame does not grow for this long is closed. */
export const frameStallMs = 10_000;
/** A connection whose response does not progress for this long is closed. */
export const writeStallMs = 60_000;
/** Interval at which connections are checked for the three time-outs. */
export const sweepIntervalMs = 2_500;
/** Connections above the limits that stay open, because they may be another node's. */
export const refusedConnectionsMax = 64;
/** How long such a connection may stay open without sending a byte. */
export const refusedSilenceMs = 1_000;
/** The longest time for which a request may stay pending, whatever it asks for. */
export const waitMsMax = 300_000;
/** Warnings about invalid input in one second, over all connections; further ones are only counted. */
export const warningsPerSecondMax = 10;
/** How long a successful admin request waits for this broker's own image to have the change. */
export const readYourWriteMs = 1_000;
/** How long a Metadata request waits for a topic that it creates. */
export const autoCreateWaitMs = 1_000;
/** Pending fetches; a further one gets its response at once, with the available records. */
export const parkedFetchesMax = 100_000;
/** Pending Produce and DeleteRecords requests; a further one gets its response at once, as if it had timed out. */
export const pendingRequestsMax = 1_000_000;
