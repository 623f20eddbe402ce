/**
 * kafka-acls: adds, removes and lists access control entries. As in Kafka's tool, an error of the cluster is printed to
 * standard output.
 */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeAclsRequest,
  DescribeAclsResponse,
} from '../../protocol/messages/security/29-describe-acls.ts';
import { CreateAclsRequest, CreateAclsResponse } from '../../protocol/messages/security/30-create-acls.ts';
import { DeleteAclsRequest, DeleteAclsResponse } from '../../protocol/messages/security/31-delete-acls.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { type Options, parseOptions } from '../arguments/options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { failureOf } from '../text/command-failure.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { aclOperations } from '../../protocol/acl-operations.ts';
import { nameOf, patternTypes, permissionTypes, resourceTypes } from './acl-names.ts';
import {
  type Acl,
  checkAdd,
  checkCommand,
  MalformedPrincipal,
  type Resource,
  type ResourceAcls,
  resourceAcls,
  resourcesOf,
} from './kafka-acls-arguments.ts';
import { aclsOptions } from './kafka-acls-options.ts';

const intro = 'This tool helps to manage acls on kafka.';
const timeoutMs = 60_000;

const anyResource: Resource = { type: 'ANY', name: null, pattern: 'ANY' };

function check(errorCode: number, message: string | null): void {
  if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), message ?? undefined);
}

function aclText({ principal, host, operation, permission }: Record<keyof Acl, string>): string {
  return `(principal=${principal}, host=${host}, operation=${operation}, permissionType=${permission})`;
}

function patternText(type: string, name: string | null, pattern: string): string {
  return `ResourcePattern(resourceType=${type}, name=${name}, patternType=${pattern})`;
}

async function add(client: KafkaClient, all: ResourceAcls, io: CliIo): Promise<void> {
  for (const [resource, acls] of all) {
    // A cluster without an authorizer refuses this request. So the error comes before the tool prints that it adds ACLs.
    await listOf(client, resource, null);
    const creations = acls.map(({ principal, host, operation, permission }) => ({
      resourceType: resourceTypes[resource.type],
      resourceName: resource.name ?? '',
      resourcePatternType: patternTypes[resource.pattern],
      principal,
      host,
      operation: aclOperations[operation],
      permissionType: permissionTypes[permission],
    }));
    const answer = await retry(client.ports, timeoutMs, () =>
      client.request(CreateAclsRequest, CreateAclsResponse, { creations }),
    );
    for (const { errorCode, errorMessage } of answer.results) check(errorCode, errorMessage);
    const shown = acls.map((acl) => `\t${aclText(acl)}`).join('\n');
    const pattern = patternText(resource.type, resource.name, resource.pattern);
    io.stdout(`Adding ACLs for resource \`${pattern}\`: \n ${shown}\n\n`);
  }
}

/** Asks the user to confirm, unless --force was given. Returns whether the user agrees. */
async function agrees(options: Options, io: CliIo, question: string): Promise<boolean> {
  if (options.has('force')) return true;
  io.stdout(`${question}\n`);
  for await (const line of io.stdinLines()) return line.trim().toLowerCase() === 'y';
  return false;
}

async function remove(client: KafkaClient, options: Options, all: ResourceAcls, io: CliIo): Promise<void> {
  for (const [resource, acls] of all) {
    const filter = `ResourcePattern(resourceType=${resource.type}, name=${resource.name}, patternType=${resource.pattern})`;
    const question =
      acls.length === 0
        ? `Are you sure you want to delete all ACLs for resource filter \`${filter}\`? (y/n)`
        : `Are you sure you want to remove ACLs: \n ${acls.map((acl) => `\t${aclText(acl)}`).join('\n')}\n from resource filter \`${filter}\`? (y/n)`;
    if (!(await agrees(options, io, question))) continue;
    const of = {
      resourceTypeFilter: resourceTypes[resource.type],
      resourceNameFilter: resource.name,
      patternTypeFilter: patternTypes[resource.pattern],
    };
    const every = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
    const filters =
      acls.length === 0
        ? [{ ...of, ...every }]
        : acls.map((acl) => ({
            ...of,
            principalFilter: acl.principal,
            hostFilter: acl.host,
            operation: aclOperations[acl.operation],
            permissionType: permissionTypes[acl.permission],
          }));
    const answer = await retry(client.ports, timeoutMs, () =>
      client.request(DeleteAclsRequest, DeleteAclsResponse, { filters }),
    );
    for (const result of answer.filterResults) {
      check(result.errorCode, result.errorMessage);
      for (const matching of result.matchingAcls) check(matching.errorCode, matching.errorMessage);
    }
  }
}

async function listOf(client: KafkaClient, filter: Resource, principal: string | null): Promise<string> {
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(DescribeAclsRequest, DescribeAclsResponse, {
      resourceTypeFilter: resourceTypes[filter.type],
      resourceNameFilter: filter.name,
      patternTypeFilter: patternTypes[filter.pattern],
      principalFilter: principal,
      hostFilter: null,
      operation: aclOperations.ANY,
      permissionType: permissionTypes.ANY,
    }),
  );
  check(answer.errorCode, answer.errorMessage);
  return answer.resources
    .map(({ resourceType, resourceName, patternType, acls }) => {
      const pattern = patternText(
        nameOf(resourceTypes, resourceType),
        resourceName,
        nameOf(patternTypes, patternType),
      );
      const rows = acls.map((acl) => {
        const operation = nameOf(aclOperations, acl.operation);
        const permission = nameOf(permissionTypes, acl.permissionType);
        return `\t${aclText({ principal: acl.principal, host: acl.host, operation, permission })}`;
      });
      return `Current ACLs for resource \`${pattern}\`:\n${rows.join('\n')}\n\n`;
    })
    .join('');
}

async function list(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const named = resourcesOf(options);
  const filters = named.length > 0 ? named : [anyResource];
  const principals = options.all('principal');
  for (const principal of principals.length > 0 ? principals : [null]) {
    const lists: string[] = [];
    for (const filter of filters) lists.push(await listOf(client, filter, principal));
    if (principal !== null) io.stdout(`ACLs for principal \`${principal}\`\n`);
    io.stdout(lists.join(''));
  }
}

/** Returns the ACLs that the command line describes. Errors are printed with the help, except for a malformed principal. */
function planned(options: Options): ResourceAcls {
  if (options.has('list')) return [];
  let malformed: MalformedPrincipal | null = null;
  const all = usageError(aclsOptions, () => {
    if (options.has('add')) checkAdd(options);
    try {
      return resourceAcls(options);
    } catch (error) {
      if (!(error instanceof MalformedPrincipal)) throw error;
      malformed = error;
      return [];
    }
  });
  if (malformed !== null) throw malformed as MalformedPrincipal;
  return all;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(aclsOptions, () => parseOptions(aclsOptions, args));
  const status = printHelpOrVersion(options, args, intro, aclsOptions, io);
  if (status !== null) return status;
  usageError(aclsOptions, () => checkCommand(options));
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? options.text('bootstrap-controller') ?? '',
    isController: options.has('bootstrap-controller'),
    settings: clientSettings(options.text('command-config')),
  });
  try {
    const all = planned(options);
    if (options.has('add')) await add(client, all, io);
    else if (options.has('remove')) await remove(client, options, all, io);
    else await list(client, options, io);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    io.stdout(`Error while executing ACL command: ${failureOf(error).message}\n`);
    return 1;
  } finally {
    client.close();
  }
}
