/** Options that earlier releases of Kafka's tools had, and what tutorials of today should say instead. */
const advice: Readonly<Record<string, string>> = {
  zookeeper:
    'Use --bootstrap-server with the address of a broker, such as localhost:9092, instead of --zookeeper: Apache Kafka 4.0 removed ZooKeeper.',
  'broker-list': 'Use --bootstrap-server instead of --broker-list, which Apache Kafka 4.0 removed.',
  'authorizer-properties':
    'Use --bootstrap-server with the address of a broker instead of --authorizer-properties, which Apache Kafka 4.0 removed.',
  'new-consumer': 'Leave out --new-consumer: there is only one consumer since Apache Kafka 2.0.',
};

/**
 * Returns what to use instead of the option that `message` refuses as unknown. Null when it is no option of an earlier release.
 */
export function adviceOnOldOption(message: string): string | null {
  const [, option = ''] = /([\w-]+) is not a recognized option/.exec(message) ?? [];
  return Object.hasOwn(advice, option) ? (advice[option] as string) : null;
}
