/** The authorised operations in DescribeGroups and ConsumerGroupDescribe: all of them, since there is no authorizer. */

/** READ, DELETE, DESCRIBE and the two of configs, as bits. */
export const allGroupOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);
export const operationsNotAsked = -0x8000_0000;
