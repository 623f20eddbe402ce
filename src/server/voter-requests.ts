/**
 * Handles requests on the active controller that change the voters of the quorum: AddRaftVoter, RemoveRaftVoter,
 * UpdateRaftVoter, and the upgrade from a static to a dynamic quorum, which a client requests as an update of the feature
 * kraft.version.
 *
 * The response is sent when the changed voter set is committed. An AddRaftVoter request may ask for a response as soon as the
 * set is appended (`carryOutEarly`). `raft/role/membership.ts` decides which changes are allowed;
 * `broker/api/quorum/raft-voters.ts` has the error messages.
 */
import { type Scheduler, yieldTurn } from '../base/clock.ts';
import {
  refusalOf,
  requestedAddition,
  requestedRemoval,
  requestedUpdate,
  type Requested,
  type VoterFailure,
} from '../broker/api/quorum/raft-voters.ts';
import { updateAnswer } from '../broker/api/quorum/82-update-raft-voter.ts';
import { kraftVersionRefused } from '../controller/features.ts';
import { kraftVersionFeature, kraftVersionOf } from '../metadata/feature-versions.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../protocol/messages/cluster/57-update-features.ts';
import { AddRaftVoterRequest, AddRaftVoterResponse } from '../protocol/messages/quorum/80-add-raft-voter.ts';
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../protocol/messages/quorum/81-remove-raft-voter.ts';
import {
  UpdateRaftVoterRequest,
  UpdateRaftVoterResponse,
} from '../protocol/messages/quorum/82-update-raft-voter.ts';
import { type MetadataLog, NotLeaderError, QuorumBusyError, VoterChangeError } from '../raft/api.ts';
import type { Refusal, VoterChange } from '../raft/state.ts';
import { sameReplica } from '../raft/types.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ControllerDriver } from './controller/controller-driver.ts';
import type { Call } from './calls/messages.ts';

export interface VoterRequestOptions {
  readonly driver: Pick<ControllerDriver, 'isActive' | 'addHandler' | 'decide'>;
  readonly log: Pick<MetadataLog, 'changeVoters' | 'status'>;
  /** The listener over which voters connect to each other: the first of controller.listener.names. */
  readonly listener: string;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

type QuorumRefusal = Exclude<Refusal, 'notLeader'>;

/** The error messages for the reasons why a static quorum cannot become dynamic yet. */
const upgradeRefusals: ReadonlyMap<QuorumRefusal, string> = new Map([
  ['notCaughtUp', 'The active controller does not know the directory ids of all voters yet.'],
  ['changePending', 'The last change of the voters is not committed yet.'],
  ['notReady', 'The active controller has not committed anything yet.'],
  ['busy', 'The controller is busy.'],
]);

export function answerVoterRequests(options: VoterRequestOptions): void {
  const { driver, log, listener } = options;
  driver.addHandler(AddRaftVoterRequest.key, async ({ apiVersion, body }) => {
    const request = decode(AddRaftVoterRequest, apiVersion, body);
    const requested = requestedAddition(request, listener);
    const failure = await (request.ackWhenCommitted
      ? carryOut(options, requested)
      : carryOutEarly(options, requested));
    return encode(AddRaftVoterResponse, apiVersion, errorFields(failure));
  });
  driver.addHandler(RemoveRaftVoterRequest.key, async ({ apiVersion, body }) => {
    const request = decode(RemoveRaftVoterRequest, apiVersion, body);
    const failure = await carryOut(options, requestedRemoval(request));
    return encode(RemoveRaftVoterResponse, apiVersion, errorFields(failure));
  });
  driver.addHandler(UpdateRaftVoterRequest.key, async ({ apiVersion, body }) => {
    const request = decode(UpdateRaftVoterRequest, apiVersion, body);
    const failure = await updateVoter(options, request);
    return encode(UpdateRaftVoterResponse, apiVersion, updateAnswer(failure?.error.code ?? 0, log.status()));
  });
  driver.addHandler(UpdateFeaturesRequest.key, (call) => updateFeatures(options, call));
}

function errorFields(failure: VoterFailure | null): { errorCode: number; errorMessage: string | null } {
  return { errorCode: failure?.error.code ?? 0, errorMessage: failure?.message ?? null };
}

/**
 * Makes a change. Resolves to null when it is committed, or to why it failed. Rejects with NOT_CONTROLLER when this node does
 * not lead.
 */
async function carryOut(options: VoterRequestOptions, requested: Requested): Promise<VoterFailure | null> {
  const { driver, log, logger } = options;
  if (!driver.isActive) throw new KafkaError(Errors.NOT_CONTROLLER);
  if ('error' in requested) return requested;
  const { change } = requested;
  const { id, directoryId } = change.voter;
  const reason = await refusal(log, change);
  if (reason === null) {
    logger.info('The voters of the metadata quorum are changed', { change: change.kind, id, directoryId });
    return null;
  }
  logger.info('The voters of the metadata quorum were not changed', {
    change: change.kind,
    id,
    directoryId,
    reason,
  });
  return refusalOf(reason, change, log.status().voters);
}

/**
 * As `carryOut`, but resolves to null as soon as this leader has appended the changed voter set, which is then in force. The
 * change can still be lost if the leader fails before the commit.
 */
async function carryOutEarly(
  options: VoterRequestOptions,
  requested: Requested,
): Promise<VoterFailure | null> {
  const { log, scheduler } = options;
  const isThere = (): boolean =>
    !('error' in requested) &&
    log.status().voters.some((voter) => sameReplica(voter, requested.change.voter));
  const wasThere = isThere();
  const outcome = carryOut(options, requested);
  // The core refuses or appends the change in the same turn of the event loop, so after one turn the voter set shows what it
  // did.
  const appended = yieldTurn(scheduler).then(() => (!wasThere && isThere() ? null : outcome));
  return Promise.race([outcome, appended]);
}

/** Why the core has refused the change; null when the change is committed. */
async function refusal(log: VoterRequestOptions['log'], change: VoterChange): Promise<QuorumRefusal | null> {
  try {
    await log.changeVoters(change);
    return null;
  } catch (error) {
    if (error instanceof VoterChangeError && error.reason !== 'notLeader') return error.reason;
    if (error instanceof QuorumBusyError) return 'busy';
    if (error instanceof NotLeaderError) throw new KafkaError(Errors.NOT_CONTROLLER);
    throw error;
  }
}

async function updateVoter(
  options: VoterRequestOptions,
  request: UpdateRaftVoterRequest,
): Promise<VoterFailure | null> {
  const { epoch, voters } = options.log.status();
  if (request.currentLeaderEpoch !== epoch) {
    const isOld = request.currentLeaderEpoch < epoch;
    const error = isOld ? Errors.FENCED_LEADER_EPOCH : Errors.UNKNOWN_LEADER_EPOCH;
    return { error, message: error.message };
  }
  const level = kraftVersionOf(voters);
  const requested = requestedUpdate(request, options.listener, level);
  // At kraft.version 0 the voters and their endpoints come from the configuration, so there is nothing to change.
  if (level === 0 && !('error' in requested)) return null;
  return carryOut(options, requested);
}

/**
 * Handles UpdateFeatures. kraft.version, if requested, comes first: its upgrade writes the voter set with directory ids into
 * the log. Then the active controller handles the other features, whose levels are in metadata records.
 */
async function updateFeatures(options: VoterRequestOptions, call: Call): Promise<Uint8Array> {
  const { driver, log, logger } = options;
  const { apiVersion } = call;
  const request = decode(UpdateFeaturesRequest, apiVersion, call.body);
  const isAsked = request.featureUpdates.some(
    ({ feature, maxVersionLevel }) => feature === kraftVersionFeature && maxVersionLevel === 1,
  );
  if (!isAsked || request.validateOnly || kraftVersionOf(log.status().voters) > 0) return driver.decide(call);
  if (apiVersion > 0) {
    // The request is applied completely or not at all, so its other features are validated before the voters change.
    const trial = encode(UpdateFeaturesRequest, apiVersion, { ...request, validateOnly: true });
    const answer = await driver.decide({ ...call, body: trial });
    if (isRefused(decode(UpdateFeaturesResponse, apiVersion, answer))) return answer;
  }
  const reason = await refusal(log, { kind: 'upgrade' });
  if (reason !== null) {
    logger.warn('The metadata quorum stays static', { reason });
    const why = upgradeRefusals.get(reason) ?? upgradeRefusals.get('notCaughtUp');
    return encode(UpdateFeaturesResponse, apiVersion, kraftVersionRefused(request, apiVersion, why ?? ''));
  }
  logger.info('The metadata quorum is dynamic now: the voters are in its log');
  return driver.decide(call);
}

function isRefused({ errorCode, results }: UpdateFeaturesResponse): boolean {
  return errorCode !== 0 || results.some((result) => result.errorCode !== 0);
}
