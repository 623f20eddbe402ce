/** kafka-delegation-tokens: creates, renews, expires and lists delegation tokens (KIP-48). */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
} from '../../protocol/messages/security/38-create-delegation-token.ts';
import {
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '../../protocol/messages/security/39-renew-delegation-token.ts';
import {
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
} from '../../protocol/messages/security/40-expire-delegation-token.ts';
import {
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
} from '../../protocol/messages/security/41-describe-delegation-token.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkInvalid, checkRequired, type Options, parseOptions } from '../arguments/options.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { failureOf } from '../text/command-failure.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { delegationTokensOptions } from './kafka-delegation-tokens-options.ts';

const intro = 'This tool helps to create, renew, expire, or describe delegation tokens.';
const actions = ['create', 'renew', 'expire', 'describe'];
const timeoutMs = 60_000;

type Token = Infer<typeof DescribeDelegationTokenResponse>['tokens'][number];

interface Principal {
  readonly principalType: string;
  readonly principalName: string;
}

function principalsOf(options: Options, name: string): Principal[] {
  return options.all(name).map((text) => {
    const match = /^([^:]+):(.*)$/.exec(text.trim());
    if (match === null)
      throw new ToolError(`expected a string in format principalType:principalName but got ${text}`);
    return { principalType: match[1] as string, principalName: match[2] as string };
  });
}

function shown(principals: readonly Principal[]): string {
  return `[${principals.map(({ principalType, principalName }) => `${principalType}:${principalName}`).join(', ')}]`;
}

function check(options: Options): void {
  if (actions.filter((action) => options.has(action)).length !== 1) {
    throw new ToolError('Command must include exactly one action: --create, --renew, --expire or --describe');
  }
  checkRequired(options, 'bootstrap-server', 'command-config');
  if (options.has('create')) checkRequired(options, 'max-life-time-period');
  if (options.has('renew')) checkRequired(options, 'hmac', 'renew-time-period');
  if (options.has('expire')) checkRequired(options, 'hmac', 'expiry-time-period');
  checkInvalid(options, 'create', 'hmac', 'renew-time-period', 'expiry-time-period');
  checkInvalid(
    options,
    'renew',
    'renewer-principal',
    'max-life-time-period',
    'expiry-time-period',
    'owner-principal',
  );
  checkInvalid(
    options,
    'expire',
    'renewer-principal',
    'max-life-time-period',
    'renew-time-period',
    'owner-principal',
  );
  checkInvalid(
    options,
    'describe',
    'renewer-principal',
    'hmac',
    'renew-time-period',
    'expiry-time-period',
    'max-life-time-period',
  );
}

function checkAnswer(errorCode: number): void {
  if (errorCode !== 0) throw new KafkaError(errorOf(errorCode));
}

const dateText = (timestampMs: number): string => new Date(timestampMs).toISOString().slice(0, 16);

function tokenTable(tokens: readonly Token[]): string {
  const row = (cells: readonly string[]): string =>
    `${cells.map((cell, at) => cell.padEnd([15, 30, 15, 15, 25, 15, 15, 15][at] ?? 0)).join(' ')}\n`;
  const rows = tokens.map((token) =>
    row([
      token.tokenId,
      Buffer.from(token.hmac).toString('base64'),
      `${token.principalType}:${token.principalName}`,
      `${token.tokenRequesterPrincipalType}:${token.tokenRequesterPrincipalName}`,
      shown(token.renewers),
      dateText(token.issueTimestamp),
      dateText(token.expiryTimestamp),
      dateText(token.maxTimestamp),
    ]),
  );
  const head = ['TOKENID', 'HMAC', 'OWNER', 'REQUESTER', 'RENEWERS', 'ISSUEDATE', 'EXPIRYDATE', 'MAXDATE'];
  return `\n${row(head)}${rows.join('')}`;
}

async function create(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const renewers = principalsOf(options, 'renewer-principal');
  const maxLifetimeMs = options.number('max-life-time-period') as number;
  io.stdout(
    `Calling create token operation with renewers :${shown(renewers)} , max-life-time-period :${maxLifetimeMs}\n`,
  );
  const [owner] = principalsOf(options, 'owner-principal');
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(CreateDelegationTokenRequest, CreateDelegationTokenResponse, {
      ownerPrincipalType: owner?.principalType ?? null,
      ownerPrincipalName: owner?.principalName ?? null,
      renewers,
      maxLifetimeMs,
    }),
  );
  checkAnswer(answer.errorCode);
  io.stdout(`Created delegation token with tokenId : ${answer.tokenId}\n`);
  const token = {
    ...answer,
    renewers,
    issueTimestamp: answer.issueTimestampMs,
    expiryTimestamp: answer.expiryTimestampMs,
    maxTimestamp: answer.maxTimestampMs,
  };
  io.stdout(tokenTable([token]));
}

async function renew(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const [hmac, periodMs] = [options.text('hmac') ?? '', options.number('renew-time-period') as number];
  io.stdout(`Calling renew token operation with hmac :${hmac} , renew-time-period :${periodMs}\n`);
  const init = { hmac: Buffer.from(hmac, 'base64'), renewPeriodMs: periodMs };
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(RenewDelegationTokenRequest, RenewDelegationTokenResponse, init),
  );
  checkAnswer(answer.errorCode);
  io.stdout(`Completed renew operation. New expiry date : ${dateText(answer.expiryTimestampMs)}\n`);
}

async function expire(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const [hmac, periodMs] = [options.text('hmac') ?? '', options.number('expiry-time-period') as number];
  io.stdout(`Calling expire token operation with hmac :${hmac} , expire-time-period :${periodMs}\n`);
  const init = { hmac: Buffer.from(hmac, 'base64'), expiryTimePeriodMs: periodMs };
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(ExpireDelegationTokenRequest, ExpireDelegationTokenResponse, init),
  );
  checkAnswer(answer.errorCode);
  io.stdout(`Completed expire operation. New expiry date : ${dateText(answer.expiryTimestampMs)}\n`);
}

async function describe(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const owners = principalsOf(options, 'owner-principal');
  io.stdout(
    owners.length === 0
      ? 'Calling describe token operation for current user.\n'
      : `Calling describe token operation for owners :${shown(owners)}\n`,
  );
  const answer = await retry(client.ports, timeoutMs, () =>
    client.request(DescribeDelegationTokenRequest, DescribeDelegationTokenResponse, {
      owners: owners.length === 0 ? null : owners,
    }),
  );
  checkAnswer(answer.errorCode);
  io.stdout(`Total number of tokens : ${answer.tokens.length}\n${tokenTable(answer.tokens)}`);
}

const perform: Readonly<Record<string, (client: KafkaClient, options: Options, io: CliIo) => Promise<void>>> =
  { create, renew, expire, describe };

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(delegationTokensOptions, () => parseOptions(delegationTokensOptions, args));
  const status = printHelpOrVersion(options, args, intro, delegationTokensOptions, io);
  if (status !== null) return status;
  usageError(delegationTokensOptions, () => check(options));
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config')),
  });
  try {
    for (const action of actions) if (options.has(action)) await perform[action]?.(client, options, io);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    io.stderr(`${failureOf(error).message}\n`);
    return 1;
  } finally {
    client.close();
  }
}
