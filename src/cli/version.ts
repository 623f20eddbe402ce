/** The release of Apache Kafka whose behaviour our tools follow. They print it for --version. */
export const kafkaVersion = '4.3.1';
/** The release with the commit from which Kafka was built, as some tools print it. */
export const kafkaVersionWithCommit = `${kafkaVersion} (Commit:26b251a451ce941d)`;
