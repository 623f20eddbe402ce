/**
 * The authorised operations that DescribeGroups and ConsumerGroupDescribe report. There is no authorizer, so all operations are
 * allowed.
 */

/** The bits of READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS. */
export const allGroupOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);
/** The value of the field when the client did not request it: Int.MIN_VALUE, as in Kafka. */
export const operationsNotAsked = -0x8000_0000;
