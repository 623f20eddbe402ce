/** The options of kafka-acls. */
import type { OptionTable } from '../arguments/options.ts';

export const aclsOptions: OptionTable = {
  add: { help: 'Indicates you are trying to add ACLs.' },
  'allow-host': {
    argument: 'allow-host',
    help: "Host from which principals listed in --allow-principal will have access. If you have specified --allow-principal then the default for this option will be set to '*' which allows access from all hosts.",
  },
  'allow-principal': {
    argument: 'allow-principal',
    help: "principal is in principalType:name format. Note that principalType must be supported by the Authorizer being used. For example, User:'*' is the wild card indicating all users.",
  },
  'bootstrap-controller': {
    argument: 'controller to connect to',
    help: 'A list of host/port pairs to use for establishing the connection to the Kafka cluster. This list should be in the form host1:port1,host2:port2,... This config is required for acl management using admin client API.',
  },
  'bootstrap-server': {
    argument: 'server to connect to',
    help: 'A list of host/port pairs to use for establishing the connection to the Kafka cluster. This list should be in the form host1:port1,host2:port2,... This config is required for acl management using admin client API.',
  },
  cluster: { help: 'Add/Remove cluster ACLs.' },
  'command-config': {
    argument: 'command-config',
    isOptional: true,
    help: 'A property file containing configs to be passed to Admin Client.',
  },
  consumer: {
    help: 'Convenience option to add/remove ACLs for consumer role. This will generate ACLs that allows READ, DESCRIBE on topic and READ on group.',
  },
  'delegation-token': {
    argument: 'delegation-token',
    help: "Delegation token to which ACLs should be added or removed. A value of '*' indicates ACL should apply to all tokens.",
  },
  'deny-host': {
    argument: 'deny-host',
    help: "Host from which principals listed in --deny-principal will be denied access. If you have specified --deny-principal then the default for this option will be set to '*' which denies access from all hosts.",
  },
  'deny-principal': {
    argument: 'deny-principal',
    help: "principal is in principalType:name format. By default anyone not added through --allow-principal is denied access. You only need to use this option as negation to already allowed set. Note that principalType must be supported by the Authorizer being used. For example if you wanted to allow access to all users in the system but not test-user you can define an ACL that allows access to User:'*' and specify --deny-principal=User:test@EXAMPLE.COM. AND PLEASE REMEMBER DENY RULES TAKES PRECEDENCE OVER ALLOW RULES.",
  },
  force: { help: 'Assume Yes to all queries and do not prompt.' },
  group: {
    argument: 'group',
    help: "Consumer Group to which the ACLs should be added or removed. A value of '*' indicates the ACLs should apply to all groups.",
  },
  help: { help: 'Print usage information.' },
  idempotent: {
    help: 'Enable idempotence for the producer. This should be used in combination with the --producer option. Note that idempotence is enabled automatically if the producer is authorized to a particular transactional-id.',
  },
  list: {
    help: 'List ACLs for the specified resource, use --topic <topic> or --group <group> or --cluster to specify a resource.',
  },
  operation: {
    argument: '',
    default: 'All',
    help: 'Operation that is being allowed or denied. Valid operation names are:\n\tDelete\n\tCreate\n\tAlter\n\tClusterAction\n\tTwoPhaseCommit\n\tCreateTokens\n\tDescribe\n\tAlterConfigs\n\tAll\n\tRead\n\tDescribeConfigs\n\tDescribeTokens\n\tWrite\n\tIdempotentWrite\n',
  },
  principal: {
    argument: 'principal',
    isOptional: true,
    help: 'List ACLs for the specified principal. principal is in principalType:name format. Note that principalType must be supported by the Authorizer being used. Multiple --principal option can be passed.',
  },
  producer: {
    help: 'Convenience option to add/remove ACLs for producer role. This will generate ACLs that allows WRITE, DESCRIBE and CREATE on topic.',
  },
  remove: { help: 'Indicates you are trying to remove ACLs.' },
  'resource-pattern-type': {
    typeName: 'ANY|MATCH|LITERAL|PREFIXED',
    argument: '',
    default: 'LITERAL',
    help: "The type of the resource pattern or pattern filter. When adding acls, this should be a specific pattern type, e.g. 'literal' or 'prefixed'. When listing or removing acls, a specific pattern type can be used to list or remove acls from specific resource patterns, or use the filter values of 'any' or 'match', where 'any' will match any pattern type, but will match the resource name exactly, where as 'match' will perform pattern matching to list or remove all acls that affect the supplied resource(s). WARNING: 'match', when used in combination with the '--remove' switch, should be used with care.",
  },
  topic: {
    argument: 'topic',
    help: "topic to which ACLs should be added or removed. A value of '*' indicates ACL should apply to all topics.",
  },
  'transactional-id': {
    argument: 'transactional-id',
    help: "The transactionalId to which ACLs should be added or removed. A value of '*' indicates the ACLs should apply to all transactionalIds.",
  },
  'user-principal': {
    argument: 'user-principal',
    help: 'Specifies a user principal as a resource in relation with the operation. For instance one could grant CreateTokens or DescribeTokens permission on a given user principal.',
  },
  version: { help: 'Display Kafka version.' },
};
