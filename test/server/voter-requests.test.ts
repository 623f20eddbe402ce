/** How the active controller answers requests about its voters and about kraft.version. */
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/base/ids.ts';
import { type Uuid, uuidZero } from '../../src/base/uuid.ts';
import { decode, encode } from '../../src/protocol/codec/codec.ts';
import { errorOf } from '../../src/protocol/errors.ts';
import {
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../src/protocol/messages/cluster/57-update-features.ts';
import {
  AddRaftVoterRequest,
  AddRaftVoterResponse,
} from '../../src/protocol/messages/quorum/80-add-raft-voter.ts';
import {
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
} from '../../src/protocol/messages/quorum/81-remove-raft-voter.ts';
import {
  UpdateRaftVoterRequest,
  UpdateRaftVoterResponse,
} from '../../src/protocol/messages/quorum/82-update-raft-voter.ts';
import type { Infer, Init, Message, Shape } from '../../src/protocol/schema/fields.ts';
import { NotLeaderError, type QuorumStatus, QuorumBusyError, VoterChangeError } from '../../src/raft/api.ts';
import type { VoterChange } from '../../src/raft/state.ts';
import type { Call } from '../../src/server/calls/messages.ts';
import { answerVoterRequests } from '../../src/server/voter-requests.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

const directory: Uuid = 'AAAAAAAAQACAAAAAAAAABA';
const listeners = [{ name: 'CONTROLLER', host: 'c', port: 2 }];

/**
 * A test double of the quorum, with one voter, that accepts or refuses changes as the test says; and one of the controller,
 * that records which updates it is asked for.
 */
class TestQuorum {
  isActive = true;
  voters: Uuid = directory;
  /** The error with which the metadata log refuses the next change of voters; null when it accepts. */
  refusal: Error | null = null;
  readonly changes: VoterChange[] = [];
  /** When true, a change takes effect at once, but is committed only when the test calls `commit`. */
  isSlow = false;
  commit = (): void => {};
  readonly decided: { readonly apiVersion: number; readonly validateOnly: boolean }[] = [];
  /** The error code with which the controller answers UpdateFeatures. */
  featureError = 0;
  readonly #handlers = new Map<number, (call: Call) => Promise<Uint8Array>>();

  constructor() {
    const quorum = this;
    answerVoterRequests({
      driver: {
        get isActive() {
          return quorum.isActive;
        },
        addHandler: (apiKey, handler) => {
          this.#handlers.set(apiKey, handler);
        },
        decide: async ({ apiVersion, body }) => {
          const { validateOnly } = decode(UpdateFeaturesRequest, apiVersion, body);
          this.decided.push({ apiVersion, validateOnly });
          return encode(UpdateFeaturesResponse, apiVersion, {
            errorCode: this.featureError,
            errorMessage: null,
            results: [],
          });
        },
      },
      log: {
        changeVoters: async (change) => {
          if (this.refusal !== null) throw this.refusal;
          this.changes.push(change);
          if (this.isSlow) await new Promise<void>((resolve) => (this.commit = resolve));
          return 7;
        },
        status: () => this.#status(),
      },
      listener: 'CONTROLLER',
      scheduler: { after: () => ({ cancel: () => {} }), soon: (callback) => setImmediate(callback) },
      logger: silentLogger,
    });
  }

  #status(): QuorumStatus {
    const replica = { logEndOffset: 1, lastFetchMs: 1, lastCaughtUpMs: 1, endpoints: listeners };
    return {
      role: 'leader',
      leaderId: nodeId(1),
      epoch: 3,
      highWatermark: 1,
      logStartOffset: 0,
      logEndOffset: 1,
      voters: [
        { ...replica, id: nodeId(1), directoryId: this.voters },
        ...this.changes.flatMap((change) =>
          change.kind === 'add'
            ? [{ ...replica, id: change.voter.id, directoryId: change.voter.directoryId }]
            : [],
        ),
      ],
      observers: [],
    };
  }

  async ask<Q extends Shape, S extends Shape>(
    request: Message<Q>,
    response: Message<S>,
    init: Init<Message<Q>>,
    apiVersion = request.versions.max,
  ): Promise<Infer<Message<S>>> {
    const body = encode(request, apiVersion, init);
    const call: Call = {
      type: 'call',
      requestId: 1,
      lowestPendingId: 1,
      apiKey: request.key,
      apiVersion,
      principal: '',
      clientId: '',
      body,
    };
    const handler = this.#handlers.get(request.key);
    if (handler === undefined) throw new Error('no handler');
    return decode(response, apiVersion, await handler(call));
  }

  async add(ackWhenCommitted = true): Promise<string> {
    const voter = { voterId: 2, voterDirectoryId: directory };
    const init = { clusterId: null, timeoutMs: 1, ...voter, listeners, ackWhenCommitted };
    const { errorCode } = await this.ask(AddRaftVoterRequest, AddRaftVoterResponse, init);
    return errorOf(errorCode).name;
  }

  async upgrade(options: { validateOnly?: boolean; apiVersion?: number } = {}): Promise<string> {
    const { validateOnly = false, apiVersion = 2 } = options;
    const answer = await this.ask(
      UpdateFeaturesRequest,
      UpdateFeaturesResponse,
      {
        featureUpdates: [{ feature: 'kraft.version', maxVersionLevel: 1, allowDowngrade: false }],
        validateOnly,
      },
      apiVersion,
    );
    return `${errorOf(answer.errorCode).name} ${answer.errorMessage ?? ''}`.trim();
  }
}

describe('voters', () => {
  test('are added, removed and updated through the log', async () => {
    const quorum = new TestQuorum();
    expect(await quorum.add()).toBe('NONE');
    const key = { clusterId: null, voterId: 2, voterDirectoryId: directory };
    const removed = await quorum.ask(RemoveRaftVoterRequest, RemoveRaftVoterResponse, key);
    const updated = await quorum.ask(UpdateRaftVoterRequest, UpdateRaftVoterResponse, {
      ...key,
      currentLeaderEpoch: 3,
      listeners,
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    });
    expect([removed.errorCode, updated.errorCode]).toEqual([0, 0]);
    expect(updated.currentLeader).toMatchObject({ leaderId: 1, leaderEpoch: 3, host: 'c', port: 2 });
    expect(quorum.changes.map(({ kind }) => kind)).toEqual(['add', 'remove', 'update']);
  });

  test('an addition is answered after its commit, with ackWhenCommitted=false after its append', async () => {
    const quorum = new TestQuorum();
    quorum.isSlow = true;
    expect(await quorum.add(false)).toBe('NONE');
    let answer = '';
    // The node is in the voter set already, but that change is not committed. The answer must come from the log and not from
    // the set, so it waits for the commit.
    const late = quorum.add().then((text) => (answer = text));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answer).toBe('');
    quorum.commit();
    expect(await late).toBe('NONE');
    quorum.refusal = new VoterChangeError('duplicateVoter');
    expect(await quorum.add(false)).toBe('DUPLICATE_VOTER');
    quorum.refusal = new NotLeaderError('no', null, 3);
    await expect(quorum.add(false)).rejects.toMatchObject({ error: { name: 'NOT_CONTROLLER' } });
  });

  test('are unchanged when the quorum refuses or is busy, or another node leads', async () => {
    const quorum = new TestQuorum();
    quorum.refusal = new VoterChangeError('duplicateVoter');
    expect(await quorum.add()).toBe('DUPLICATE_VOTER');
    quorum.refusal = new QuorumBusyError('full');
    expect(await quorum.add()).toBe('REQUEST_TIMED_OUT');
    quorum.refusal = new NotLeaderError('no', null, 3);
    await expect(quorum.add()).rejects.toMatchObject({ error: { name: 'NOT_CONTROLLER' } });
    quorum.refusal = null;
    quorum.isActive = false;
    await expect(quorum.add()).rejects.toMatchObject({ error: { name: 'NOT_CONTROLLER' } });
    expect(quorum.changes).toEqual([]);
  });

  test('an update must have the current epoch; with static voters it changes nothing', async () => {
    const quorum = new TestQuorum();
    const ask = async (currentLeaderEpoch: number): Promise<string> => {
      const { errorCode } = await quorum.ask(UpdateRaftVoterRequest, UpdateRaftVoterResponse, {
        clusterId: null,
        currentLeaderEpoch,
        voterId: 1,
        voterDirectoryId: directory,
        listeners,
        kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
      });
      return errorOf(errorCode).name;
    };
    expect([await ask(2), await ask(4)]).toEqual(['FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH']);
    quorum.voters = uuidZero;
    expect(await ask(3)).toBe('NONE');
    expect(quorum.changes).toEqual([]);
  });
});

describe('kraft.version 1', () => {
  test('static voters become dynamic after the other features were validated', async () => {
    const quorum = new TestQuorum();
    quorum.voters = uuidZero;
    expect(await quorum.upgrade()).toBe('NONE');
    expect(quorum.changes).toEqual([{ kind: 'upgrade' }]);
    expect(quorum.decided.map(({ validateOnly }) => validateOnly)).toEqual([true, false]);
  });

  test('voters are unchanged with validateOnly, after an error of another feature, and when already dynamic', async () => {
    const quorum = new TestQuorum();
    quorum.voters = uuidZero;
    expect(await quorum.upgrade({ validateOnly: true })).toBe('NONE');
    quorum.featureError = 95;
    expect(await quorum.upgrade()).toBe('INVALID_UPDATE_VERSION');
    quorum.featureError = 0;
    quorum.voters = directory;
    expect(await quorum.upgrade()).toBe('NONE');
    expect(quorum.changes).toEqual([]);
  });

  test('the update fails when the leader does not know all directory ids', async () => {
    const quorum = new TestQuorum();
    quorum.voters = uuidZero;
    quorum.refusal = new VoterChangeError('notCaughtUp');
    expect(await quorum.upgrade()).toBe(
      'INVALID_UPDATE_VERSION The update failed for all features since the following feature had an error: Invalid update version 1 for feature kraft.version. The active controller does not know the directory ids of all voters yet.',
    );
    expect(quorum.decided.map(({ validateOnly }) => validateOnly)).toEqual([true]);
  });

  test('UpdateFeatures v0 has no validateOnly', async () => {
    const quorum = new TestQuorum();
    quorum.voters = uuidZero;
    expect(await quorum.upgrade({ apiVersion: 0 })).toBe('NONE');
    expect(quorum.changes).toEqual([{ kind: 'upgrade' }]);
    expect(quorum.decided).toHaveLength(1);
  });
});
