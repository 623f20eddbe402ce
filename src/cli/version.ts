/** The release of Apache Kafka whose behaviour our tools have; printed by --version. */
export const kafkaVersion = '4.3.1';
/** The same with the commit of that release, as some tools print it. */
export const kafkaVersionWithCommit = `${kafkaVersion} (Commit:26b251a451ce941d)`;
