/** The authorised operations in DescribeGroups and ConsumerGroupDescribe responses. There is no authorizer, so all are allowed. */

/** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS, as bits. */
export const allGroupOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);
export const operationsNotAsked = -0x8000_0000;
