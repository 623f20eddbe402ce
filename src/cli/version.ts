/** The release of Apache Kafka whose behaviour our tools show under --version. */
export const kafkaVersion = '4.3.1';
