import { describe, expect, test } from 'vitest';
import { TestController } from './harness.ts';

interface Upsertion {
  name: string;
  mechanism?: number;
  iterations?: number;
  saltedPassword?: Uint8Array;
}

const bytes = new Uint8Array([1, 2, 3]);

/**
 * Sends AlterUserScramCredentials. Returns the results as `user code message`, and the credentials that exist afterwards as
 * `mechanism:user`.
 */
function alter(
  controller: TestController,
  upserted: readonly Upsertion[],
  deleted: readonly Upsertion[] = [],
): { results: string[]; known: string[] } {
  const { results } = controller.call(51, {
    upsertions: upserted.map((one) => ({
      mechanism: 1,
      iterations: 4096,
      salt: bytes,
      saltedPassword: bytes,
      ...one,
    })),
    deletions: deleted.map(({ name, mechanism = 1 }) => ({ name, mechanism })),
  });
  return {
    results: results.map(({ user, errorCode, errorMessage }) =>
      [user, errorCode, ...(errorMessage === null ? [] : [errorMessage])].join(' '),
    ),
    known: [...controller.image.security.scram.keys()].sort(),
  };
}

const twice = '92 A user credential cannot be altered twice in the same request';

describe('AlterUserScramCredentials', () => {
  test('adds, changes and removes a credential', () => {
    const controller = new TestController();
    expect(alter(controller, [{ name: 'a' }, { name: 'b', mechanism: 2 }]).known).toEqual(['1:a', '2:b']);
    alter(controller, [{ name: 'a', iterations: 8192 }]);
    expect(controller.image.security.scram.get('1:a')).toMatchObject({ iterations: 8192 });
    expect(alter(controller, [], [{ name: 'a' }]).known).toEqual(['2:b']);
  });

  test.each<[string, Upsertion, string]>([
    ['too few iterations', { name: 'a', iterations: 4095 }, 'a 93 Too few iterations'],
    ['too many iterations', { name: 'a', iterations: 16_385 }, 'a 93 Too many iterations'],
    ['an empty name', { name: '' }, ' 93 Username must not be empty'],
    ['an unknown mechanism', { name: 'a', mechanism: 3 }, 'a 33 Unknown SCRAM mechanism'],
    [
      'an empty password',
      { name: 'a', saltedPassword: new Uint8Array() },
      'a 93 Salted password must not be empty',
    ],
  ])('refuses %s', (_, upsertion, refusal) => {
    expect(alter(new TestController(), [upsertion])).toEqual({ results: [refusal], known: [] });
  });

  test('refuses to remove what does not exist', () => {
    const refusal = 'a 91 Attempt to delete a user credential that does not exist';
    expect(alter(new TestController(), [], [{ name: 'a' }]).results).toEqual([refusal]);
  });

  test('a user that a request contains twice is not changed, even with two mechanisms; other users are', () => {
    const controller = new TestController();
    const both = [{ name: 'a' }, { name: 'a', mechanism: 2 }, { name: 'b' }];
    expect(alter(controller, both)).toEqual({ results: [`a ${twice}`, 'b 0'], known: ['1:b'] });
    expect(alter(controller, [{ name: 'b', iterations: 8192 }], [{ name: 'b' }])).toEqual({
      results: [`b ${twice}`],
      known: ['1:b'],
    });
    expect(controller.image.security.scram.get('1:b')).toMatchObject({ iterations: 4096 });
  });

  test('the first error of a user is its result', () => {
    const half = [{ name: 'a', iterations: 1 }, { name: 'a' }];
    expect(alter(new TestController(), half)).toEqual({ results: ['a 93 Too few iterations'], known: [] });
  });
});
