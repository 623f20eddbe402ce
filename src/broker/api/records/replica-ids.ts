/** Values of the replica id of Fetch and ListOffsets requests that do not come from a broker, as in Kafka's FetchRequest. */
export const consumer = -1;
/** A tool that may read any replica, up to its log end offset. */
export const debuggingConsumer = -2;
