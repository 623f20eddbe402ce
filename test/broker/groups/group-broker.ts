/** A broker with a group coordinator whose log is in memory, for requests through the whole pipeline. */
import { nodeId } from '../../../src/base/ids.ts';
import type { Clock, Scheduler } from '../../../src/base/clock.ts';
import { Endpoints } from '../../../src/broker/api/endpoints.ts';
import { createGroupHandlers } from '../../../src/broker/api/groups/group-handlers.ts';
import type { Leadership } from '../../../src/broker/coordinator/runtime.ts';
import { GroupService } from '../../../src/broker/groups/group-service.ts';
import { ImageWatch } from '../../../src/broker/image-watch.ts';
import { TopicCreator } from '../../../src/broker/topic-creator.ts';
import type { TransactionVerifier } from '../../../src/broker/txn/transaction-verifier.ts';
import { NodeConfig } from '../../../src/config/node-config.ts';
import type { ControllerClient } from '../../../src/metadata/controller-port.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { seededRandom } from '../../group/harness.ts';
import { MemoryLog, MemoryReplica } from '../coordinator/memory-replica.ts';
import { brokerRecord, idA, settle, TestBroker, topicRecords } from '../harness.ts';

const offsetsId = 'AAAAAAAAAAAAAAAAAAABCA';
export const partitionCount = 3;
const properties = `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=/nowhere
group.initial.rebalance.delay.ms=0
`;

/** The table of handlers is made before the broker; handlers get the parts of the broker that they need when they run. */
export class GroupBroker {
  readonly replicas = Array.from(
    { length: partitionCount },
    (_, i) => new MemoryReplica(new MemoryLog(), offsetsId, i),
  );
  readonly broker: TestBroker;
  readonly groups: GroupService;
  /** The response of transaction coordinators: every partition belongs to the transaction. */
  ask: TransactionVerifier['verify'] = () => Promise.resolve(new Map());
  readonly #watchers: ((change: Leadership) => void)[] = [];

  constructor(more = '') {
    const time: Clock & Scheduler = {
      monotonicMs: () => this.broker.time.monotonicMs(),
      wallMs: () => this.broker.time.wallMs(),
      after: (delayMs, callback) => this.broker.time.after(delayMs, callback),
      soon: (callback) => this.broker.time.soon(callback),
    };
    const metadata = () => this.broker.image;
    const config = NodeConfig.parse(properties + more);
    this.groups = new GroupService({
      config,
      replicas: {
        partitions: () => this.replicas,
        watchLeadership: (callback) => {
          this.#watchers.push(callback);
          return () => undefined;
        },
      },
      metadata,
      clock: time,
      scheduler: time,
      random: seededRandom(5),
      logger: silentLogger,
      verifier: { verify: (question) => this.ask(question) },
    });
    const controller: ControllerClient = {
      send: () => this.broker.controller.send(),
      request: (request, response, version, init) =>
        this.broker.controller.request(request, response, version, init),
    };
    const imageWatch = new ImageWatch(metadata, time);
    const creator = new TopicCreator({ config, controller, imageWatch, logger: silentLogger });
    const handlers = createGroupHandlers(this.groups, new Endpoints(nodeId(1), true), creator);
    const records = [brokerRecord(1), brokerRecord(2), ...topicRecords('t', idA, 2)];
    this.broker = new TestBroker({ handlers, records, properties: more });
  }

  /** Creates the offsets topic. This broker leads its partitions. */
  async lead(): Promise<void> {
    this.broker.apply(topicRecords('__consumer_offsets', offsetsId, partitionCount));
    this.groups.start();
    await settle();
  }

  async changeLeader(index: number, isLeader: boolean): Promise<void> {
    const partition = this.replicas[index] as MemoryReplica;
    partition.isLeader = isLeader;
    for (const watcher of this.#watchers) watcher({ partition, isLeader });
    await settle();
  }
}
