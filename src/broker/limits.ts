/**
 * Bounds of the broker that are not Kafka properties. One name each, so that a test can hit it and a reader can find it.
 */

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** Request bytes being read or worked on, over all connections, when `queued.max.request.bytes` is not set (Kafka's -1). */
export const requestBudgetBytes = 192 * mebibyte;
/** Further bytes that only small frames may take, so that heartbeats pass while big frames queue for the budget. */
export const requestReserveBytes = 8 * mebibyte;
/** What counts as a small frame. */
export const smallFrameBytes = 16 * kibibyte;
/** Record bytes of fetch responses being read from disk or waiting for a socket, over all connections. */
export const fetchBudgetBytes = 64 * mebibyte;
/** Instances of clients that push metrics, remembered by a broker (KIP-714). */
export const clientInstancesMax = 16_384;
/** Requests of one connection that were started and not yet answered. Clients send at most 5 at a time by default. */
export const requestsInFlightMax = 64;
/** Requests of one other broker over its stream that were started and not yet answered. */
export const peerRequestsInFlightMax = 1_000;
/** Bytes handed to the socket in one call: a slow reader holds no more than this in the socket's own queue. */
export const writeBytesMax = mebibyte;
/** A frame whose next byte doesn't come for this long is given up. */
export const frameStallMs = 10_000;
/** A response of which nothing moved for this long: the reader is taken for dead. */
export const writeStallMs = 60_000;
/** How often connections are looked over for the three time-outs. */
export const sweepIntervalMs = 2_500;
/** Connections beyond the limits that were not closed yet, because they may be another node's. */
export const refusedConnectionsMax = 64;
/** How long such a connection may say nothing. */
export const refusedSilenceMs = 1_000;
/** The longest a request may ask to be parked, whatever it says. */
export const waitMsMax = 300_000;
/** Warnings about broken input in one second, over all connections; the rest is counted. */
export const warningsPerSecondMax = 10;
/** How long an admin request that succeeded waits for this broker's own image to show the change. */
export const readYourWriteMs = 1_000;
/** How long a Metadata request waits for a topic that it causes to be created. */
export const autoCreateWaitMs = 1_000;
/** Fetches parked at the same time; the next one is answered at once with what there is. */
export const parkedFetchesMax = 100_000;
/** Produce and DeleteRecords requests that are pending at the same time; the next one is answered as if its time-out were over. */
export const pendingRequestsMax = 1_000_000;
