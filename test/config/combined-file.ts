/** A valid properties file of a combined node, to which tests add lines, and the error of an invalid one. */
import { NodeConfig } from '../../src/config/node-config.ts';

export const combined = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
log.dirs=/data/a, /data/b
`;

export const error = (text: string): string => {
  try {
    NodeConfig.parse(text);
  } catch (problem) {
    return (problem as Error).message;
  }
  return 'no error';
};
