/**
 * What an operator can do about a problem. One table is keyed by the message of a WARN or ERROR line, the other by the code of
 * a system error. The console logger adds the remedy to the line, and docs/ops/messages.md is generated from both tables. A
 * test fails when a WARN or ERROR message in the source has no row here.
 */

/** By the message of a WARN or ERROR line. */
export const remedies: Readonly<Record<string, string>> = {
  // Starting and registering.
  'The controller refused the registration of this broker; trying again':
    'For DUPLICATE_BROKER_REGISTRATION give this broker another node.id in its properties file, or stop the process that uses the id; after a crash wait until broker.session.timeout.ms has passed.',
  'Another process has registered with the id of this broker':
    'Give one of the two brokers another node.id, and format its directory for that id.',
  'advertised.listeners names a host that this machine cannot resolve':
    'Clients and brokers connect to exactly this name: set advertised.listeners to a name or an address that all of them can resolve.',
  'The address of a listener is that of the properties file':
    'Set the new address in the properties file of the broker and start it again, or add a listener with another name.',
  'A listener could not be opened':
    'Correct listeners of this broker with kafka-configs --entity-type brokers; the other listeners go on.',
  'A client on another machine got an advertised address that points to its own machine':
    'Set advertised.listeners to the name of this machine as that client knows it. Nothing is wrong when a port of the machine of the client leads here, as with a container.',
  'The limit on open files of this process is low':
    'Raise the limit: ulimit -n 100000 before the start, LimitNOFILE=100000 in a systemd unit, or ulimits in a Compose file (docs/ops/sizing.md).',
  'Stopping without a controlled shutdown':
    'Check with kafka-metadata-quorum describe --status that a majority of the controllers runs; partitions that this broker led get new leaders when its session ends.',
  'Ignored dynamic configurations that are invalid on this broker':
    'Correct or delete the named settings with kafka-configs --entity-type brokers.',
  'The metadata quorum stays static':
    'Repeat kafka-features upgrade when every controller runs this release and has caught up (kafka-metadata-quorum describe --replication).',

  // Between nodes.
  'Refused a peer':
    'When it belongs to another cluster, format its directories with the id of this cluster (kafka-storage format -t) or correct its controller.quorum.voters or controller.quorum.bootstrap.servers; when an id is used twice, give one of the nodes another node.id.',
  'Refused a claim about the leadership of the quorum':
    'The node that is named is no voter, or another node leads in that epoch. Nodes do not authenticate each other: keep the ports of brokers and controllers closed to other machines, and stop the process that uses the id of this cluster. When it is one of your controllers, compare its node.id and directory with kafka-metadata-quorum describe --replication.',
  'A message of a peer was refused': 'Run the same release on all nodes; report the line if they do.',
  'A call of a peer failed': 'Run the same release on all nodes; report the line if they do.',
  'The feed of an observer failed':
    'The observer connects again by itself. If the line comes back, check the disk of this node.',
  'a follower was refused':
    'When it belongs to another cluster, correct the addresses in its properties file or format its directories with the id of this cluster.',
  'controller refused AlterPartition':
    'The broker tries again by itself. If the line comes back, check with kafka-metadata-quorum describe --status that there is a leader.',
  'AlterPartition did not reach the controller':
    'The broker tries again by itself. If the line comes back, check that a majority of the controllers runs and can be reached.',
  'The controller refused AssignReplicasToDirs':
    'The broker tries again by itself. If the line comes back, check with kafka-metadata-quorum describe --status that there is a leader.',
  'The metadata log has failed':
    'The process ends, because metadata must not be lost. Repair the disk of metadata.log.dir, and start the node again.',
  'The metadata snapshot could not be written':
    'The node goes on, and tries again later; its metadata log grows until then. Free space on the disk of metadata.log.dir, or repair it.',
  'A request failed in the controller':
    'This is a defect: report the line with its stack. The request was answered with UNKNOWN_SERVER_ERROR; the controller goes on.',
  'A request to the controller failed':
    'The broker tries again by itself. If the line comes back while a majority of the controllers runs, report it.',
  'gRPC could not be loaded':
    'Install the package again (npm ci): a part of it is missing. Nodes cannot connect to this one until then.',
  'records from the leader refused':
    'The follower tries again. If the line comes back, compare the replicas with kafka-replica-verification and look at the segment of the leader with kafka-dump-log; run the same release on all brokers.',
  'Exiting Kafka due to fatal exception':
    'The process ends so that no damage spreads. Start the node again; unless a disk failed, report the line with its stack.',

  // Clients.
  'refusing a connection':
    'Raise the limit that is named, or find the client that opens more connections than it closes.',
  'closing a connection that sent something else than a request':
    'Check that the client speaks the security protocol of this listener. When the frame is too large, have the producer send smaller requests (max.request.size) or raise socket.request.max.bytes.',
  'closing a connection of a client that is too old':
    'Upgrade the client: like Apache Kafka 4 this broker serves clients of Kafka 2.1 (2018) and newer (KIP-896).',
  'closing a connection of a client that is too new':
    'The client did not ask which versions the broker supports (ApiVersions): configure it for Apache Kafka 4.3 or let it ask.',
  'a client tried TLS on a listener without it':
    'Set security.protocol=PLAINTEXT in the client, or use a listener with TLS.',
  'suppressed further warnings about connections': 'See the warnings about connections before this line.',
  'a topic could not be created: there are not enough brokers for its replication factor':
    'Create the topic with a smaller --replication-factor or start more brokers, and free directories of cordoned.log.dirs; one broker alone needs default.replication.factor, offsets.topic.replication.factor and transaction.state.log.replication.factor 1.',
  'automatic creation of a topic failed':
    'For INVALID_REPLICATION_FACTOR start more brokers, or lower default.replication.factor, offsets.topic.replication.factor or transaction.state.log.replication.factor; otherwise create the topic with kafka-topics and read its answer.',
  'a transaction was not ended in time: consumers with isolation.level=read_committed wait at its first offset':
    'If its producer is gone, end it with kafka-transactions abort.',
  'a partition is not served yet: the end of its log is not committed':
    'Check with kafka-topics --describe that enough replicas of the partition are in sync, and start the brokers that are missing.',
  'unexpected error while handling a request':
    'This is a defect: report the line with its stack. The client got UNKNOWN_SERVER_ERROR; the broker goes on.',
  'unexpected error while looking up an offset':
    'This is a defect: report the line with its stack. The client got UNKNOWN_SERVER_ERROR; the broker goes on.',
  'unexpected error while fetching':
    'This is a defect: report the line with its stack. The client got UNKNOWN_SERVER_ERROR; the broker goes on.',
  'unexpected error while appending':
    'This is a defect: report the line with its stack. The client got UNKNOWN_SERVER_ERROR; the broker goes on.',
  'unexpected error while writing a transaction marker':
    'This is a defect: report the line with its stack. The coordinator tries again.',
  'unexpected error while describing a configuration':
    'This is a defect: report the line with its stack. The client got UNKNOWN_SERVER_ERROR; the broker goes on.',
  'a damaged batch or record of a coordinator was skipped':
    'What groups or transactions stored there is lost: committed offsets may be older ones, and those groups read records again. Check the disk. With other replicas in sync, move this replica of the partition to another broker and back with kafka-reassign-partitions before it leads again.',
  'a coordinator ignores records of an unknown type':
    'A later release, or Apache Kafka with share or streams groups, has written them. Groups and transactions of the known types are complete. Nothing is deleted: start that release again if you need the others.',
  'a partition could not be loaded':
    'Groups or transactions of the partition are not served by this broker. Check its disk for errors before this line, and start the broker again, or let another replica lead with kafka-leader-election.',

  // Disks and logs.
  'the disk failed under a partition': 'Repair or replace the disk and start the broker again.',
  'a log directory is offline': 'Repair or replace the disk and start the broker again.',
  'Shutdown broker because all log dirs have failed':
    'Repair or replace the disks of log.dirs and start the broker again.',
  'a deleted segment could not be removed': 'Free the file or its directory, and remove the file by hand.',
  'the directory of a deleted or moved partition could not be removed':
    'Free the directory, and remove it by hand; its name ends in -delete.',
  'the copy of a replica could not be removed':
    'Free the directory, and remove it by hand; its name ends in -future.',
  'a copy left by an interrupted move is now the replica':
    'Nothing needs to be done: a move between log directories was completed after a crash.',
  'a checkpoint is damaged and is ignored':
    'Nothing needs to be done: recovery points, high watermarks and cleaner offsets are found again, which makes this start longer. If it happens often, check the disk.',
  'the checkpoint of log start offsets is damaged and is ignored':
    'Records that kafka-delete-records has removed can be read again where they share a segment with later ones: repeat it for the partitions that this broker leads; its other replicas follow their leaders. Check the disk.',
  'a producer snapshot is corrupt and is deleted':
    'Nothing needs to be done: the broker replays the log instead. If it happens often, check the disk.',
  'leader epochs are missing or damaged and are collected from the log':
    'Nothing needs to be done: this start reads the whole log of the partition. If it happens often, check the disk.',
  'partition.metadata is missing or damaged and is written again':
    'Nothing needs to be done: the directory belongs to the topic with its name. If it happens often, check the disk.',
  'a transaction index is damaged and is made again from its segment':
    'Nothing needs to be done. If it happens often, check the disk.',
  'a transaction index and its segment are damaged':
    'Readers of committed records may see aborted ones in this segment. Check the disk; with other replicas in sync, move this replica to another broker and back with kafka-reassign-partitions, which copies it again.',
  'recovered a partition: truncated a torn tail':
    'Nothing needs to be done after a power cut or kill -9: the last write was not complete. Otherwise check the disk.',
  'recovered a partition: records after a damaged place are gone from this replica':
    'Records from firstOffset to lastOffset may have been acknowledged. A replica that has them leads, and this one fetches them again. Without such a replica they are lost, but for segments kept as *.log.lost. If the partition has no leader, start the brokers of its other replicas. Unless the power failed, check the disk.',
  'records of a partition are missing on this broker':
    'Files of the partition were deleted or shortened, or the disk lost them; check the disk. With other replicas nothing is lost if they are in sync: this broker gives up its place among the in-sync replicas, and fetches the records again from the leader. If this broker leads because no such replica was known, and others have the records: restart it when they are in sync. Without one, the partition serves what is left: stop the broker and put the files back from a backup, or accept the loss with kafka-delete-records up to lastOffset + 1. The next start takes what was put back when no record of the range is missing, checksums are right and leader epochs are those of leader-epoch-checkpoint; of a compacted partition put back the whole directory.',
  'a segment has records of other offsets than its name says':
    "Files of the partition were swapped or renamed. The segment is kept as *.log.lost, and its records count as missing: do what is said for 'records of a partition are missing on this broker'.",
  'a segment does not have the records that were written to it':
    "The file of another partition, or one from another time, was put in its place. It is kept as *.log.lost, and the records that it should have count as missing: do what is said for 'records of a partition are missing on this broker'.",
  'the directory of a partition is missing':
    'It had records at the last shutdown. With other replicas in sync nothing is lost: this broker fetches them again. Without one, stop the broker and put the directory back from a backup: otherwise the partition begins empty. Check the disk.',
  'logs end below their high watermark: committed records are missing on this broker':
    'The first partitions are named. After a power failure: nothing needs to be done while other replicas have the records; this broker fetches them again. Otherwise check the disk, and whether an old copy of the directory was put back.',
  'the log start offset is beyond the log end: the log begins anew':
    'Records from logStartOffset on may have been acknowledged. Replicas in sync have them, and this one fetches them again; without such a replica they are lost. Unless the power failed, check the disk.',
  'found a stray log: its directory is renamed':
    'Nothing refers to the log any more; remove the directory whose name ends in -stray by hand when you are sure.',
  'an index does not match its segment and is rebuilt':
    'Nothing needs to be done. If it happens often, check the disk; kafka-dump-log --index-sanity-check checks indexes.',
  'a segment has bytes that are not a batch':
    'Consumers and followers cannot read past this place. Check the disk; with other replicas in sync, move this replica to another broker and back with kafka-reassign-partitions, which copies it again.',
  'a log can not be compacted':
    'Examine its segments with kafka-dump-log. The partition stays readable, and is not compacted until the broker starts again.',
  'a log directory could not be closed cleanly':
    'The next start recovers the logs of the directory, which takes longer. Check the disk if it happens again.',
  'a replica could not be moved':
    'The replica stays where it is. Free space or repair the target directory, and repeat the move with kafka-reassign-partitions or kafka-log-dirs.',
  'a replica went offline':
    'Repair or replace the disk of the directory that is offline, and start the broker again; until then the other replicas serve the partition.',
  'the log of a replica could not be opened':
    'Repair the directory of the partition or its permissions, and start the broker again; with other replicas in sync the directory can be removed, and the replica is copied anew.',
  'a replica could not be removed':
    'Free the directory of the partition, and remove it by hand when the topic is deleted.',
  'truncation failed': 'The replica is offline. Repair or replace the disk and start the broker again.',
  'Error while reading meta.properties file':
    'The directory is not used. Repair its disk or its permissions, or restore meta.properties from another directory of this broker with a directory.id of its own, and start the broker again.',
  'a background task failed':
    'The task is tried again at its next time. If the line comes back without an error of the disk, report it with its stack.',
  'a background task has a bug':
    'The partition is served on. Report the line with its stack; start the broker again to repeat the task.',
};

/** By the code of a system error, whatever line it occurs in. */
export const systemRemedies: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'Another process, perhaps this node started before, listens there: stop it, or give this node other ports in listeners (and the same in advertised.listeners and controller.quorum.voters).',
  ENOTFOUND:
    'This machine cannot resolve the name of that host: correct the host in listeners (or metrics.host), or leave it out to listen on every address.',
  EADDRNOTAVAIL:
    'The host in listeners is not an address of this machine: leave it out to listen on every address, and name the address that clients use in advertised.listeners.',
  EACCES:
    'The user of this process may not do that: give it the directories of log.dirs, and take ports from 1024 on.',
  EMFILE:
    'This process may open no more files: raise the limit, for example with ulimit -n 100000, LimitNOFILE= of a systemd unit, or ulimits of a Compose file (docs/ops/sizing.md).',
  ENOSPC:
    'The disk is full: free space or move a directory of log.dirs to a larger disk, and start the broker again; nothing that was acknowledged is lost.',
  EDQUOT:
    'The quota of the user of this process is used up: free space, raise the quota or move a directory of log.dirs, and start the broker again; nothing that was acknowledged is lost.',
  EIO: 'The disk failed: look at the log of the operating system (dmesg), repair or replace the disk, and start the broker again.',
  ELOCKED:
    'Stop the other process, perhaps this node started before, or give this node directories of its own in log.dirs.',
  EROFS: 'The file system is read-only: log.dirs must name directories that can be written.',
};

/** Finds the code in the text of a system error (`ENOSPC: no space left on device, write`) and returns its remedy. */
function systemRemedy(value: unknown): string | undefined {
  const code = /\b(E[A-Z]{2,12})\b/.exec(value instanceof Error ? value.message : String(value ?? ''));
  return code === null ? undefined : systemRemedies[code[1] as string];
}

/**
 * Returns the remedy for a log line, or null. The row for a system error in the field `error` takes precedence over the
 * message's.
 */
export function remedyFor(message: string, fields?: Readonly<Record<string, unknown>>): string | null {
  return systemRemedy(fields?.['error']) ?? remedies[message] ?? null;
}
