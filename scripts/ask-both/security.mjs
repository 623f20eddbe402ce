/** Questions about security to a broker without an authorizer and users, and about client quotas. */
const filter = (more) => ({
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
  ...more,
});

function* acls() {
  for (const resourceTypeFilter of [0, 1, 2, 3, 99]) {
    for (const patternTypeFilter of [0, 1, 3]) {
      const body = filter({ resourceTypeFilter, patternTypeFilter });
      const id = `type ${resourceTypeFilter}, pattern ${patternTypeFilter}`;
      yield { id: `DescribeAcls: ${id}`, api: 'DescribeAcls', body: () => body };
      yield { id: `DeleteAcls: ${id}`, api: 'DeleteAcls', body: () => ({ filters: [body, body] }) };
    }
  }
  yield { id: 'DeleteAcls: nothing', api: 'DeleteAcls', body: () => ({ filters: [] }) };
  const creation = {
    resourceType: 2,
    resourceName: 'a',
    principal: 'User:a',
    host: '*',
    operation: 3,
    permissionType: 3,
  };
  for (const [what, creations] of Object.entries({
    nothing: [],
    one: [creation],
    two: [creation, creation],
    'a bad type': [{ ...creation, resourceType: 99 }],
  })) {
    yield { id: `CreateAcls: ${what}`, api: 'CreateAcls', body: () => ({ creations }) };
  }
}

const set = (key, value) => ({ key, value, remove: false });
const unset = (key) => ({ key, value: 0, remove: true });
const user = (entityName) => ({ entityType: 'user', entityName });
const client = (entityName) => ({ entityType: 'client-id', entityName });
const ip = (entityName) => ({ entityType: 'ip', entityName });
const produceRate = [set('producer_byte_rate', 2048)];

/** For each description: the entity and the operations of one entry. */
const quotaAlterations = {
  'a user': [[user('alice')], [...produceRate, set('request_percentage', 12.5)]],
  'the default user': [[user(null)], [set('consumer_byte_rate', 4096)]],
  'a client': [[client('app 1/ä')], [set('controller_mutation_rate', 0.5)]],
  'the default client': [[client(null)], produceRate],
  'a user and a client': [[user('alice'), client('app')], produceRate],
  'a client and the default user': [[client('app'), user(null)], produceRate],
  'an ip': [[ip('10.1.2.3')], [set('connection_creation_rate', 7)]],
  'the default ip': [[ip(null)], [set('connection_creation_rate', 9)]],
  'an IPv6 address': [[ip('2001:db8::1')], [set('connection_creation_rate', 9)]],
  'a host': [[ip('localhost')], [set('connection_creation_rate', 9)]],
  'no ip': [[ip('no such host')], [set('connection_creation_rate', 9)]],
  'no ip, numbers': [[ip('1.2.3.4.5')], [set('connection_creation_rate', 9)]],
  'an empty ip': [[ip('')], [set('connection_creation_rate', 9)]],
  'an ip, wrong key': [[ip('10.1.2.3')], produceRate],
  'an ip, not a whole number': [[ip('10.1.2.3')], [set('connection_creation_rate', 1.5)]],
  'an ip, above the largest int': [[ip('10.1.2.3')], [set('connection_creation_rate', 2 ** 31)]],
  'an ip, the largest int': [[ip('10.1.2.4')], [set('connection_creation_rate', 2 ** 31 - 1)]],
  'an ip and a user': [[ip('10.1.2.3'), user('a')], produceRate],
  'an ip and a client': [[client('a'), ip('10.1.2.3')], [set('connection_creation_rate', 9)]],
  'no entity': [[], produceRate],
  'an unknown type': [[{ entityType: 'nope', entityName: 'a' }], produceRate],
  'an unknown type beside a user': [[user('a'), { entityType: 'nope', entityName: 'a' }], produceRate],
  'an empty type': [[{ entityType: '', entityName: 'a' }], produceRate],
  'an empty user': [[user('')], produceRate],
  'an empty client': [[client('')], produceRate],
  'the same type twice': [[user('x'), user('b')], produceRate],
  'an unknown key': [[user('a')], [set('nope', 1)]],
  'an unknown key to remove': [[user('a')], [unset('nope')]],
  'an empty key': [[user('a')], [set('', 1)]],
  'a key of an ip': [[user('a')], [set('connection_creation_rate', 1)]],
  'a key of SCRAM': [[user('a')], [set('SCRAM-SHA-256', 1)]],
  'a rate that is no whole number': [[user('a')], [set('producer_byte_rate', 1.5)]],
  'a rate close to a whole number': [[user('near')], [set('consumer_byte_rate', 1.0000001)]],
  'a rate of zero': [[user('a')], [set('producer_byte_rate', 0)]],
  'a small rate': [[user('small')], [set('producer_byte_rate', 0.0000001)]],
  'a negative rate': [[user('a')], [set('producer_byte_rate', -1)]],
  'a rate above the largest long': [[user('a')], [set('producer_byte_rate', 1e19)]],
  'a rate of infinity': [[user('a')], [set('producer_byte_rate', Infinity)]],
  'a rate that is no number': [[user('a')], [set('producer_byte_rate', NaN)]],
  'a percentage of zero': [[user('a')], [set('request_percentage', 0)]],
  'a percentage of infinity': [[user('inf')], [set('request_percentage', Infinity)]],
  'a percentage that is no number': [[user('nan')], [set('request_percentage', NaN)]],
  'a good and a bad key': [[user('half')], [...produceRate, set('nope', 1)]],
  'a key twice': [[user('twice')], [set('producer_byte_rate', 1), set('producer_byte_rate', 2)]],
  'a key set and removed': [[user('twice')], [set('producer_byte_rate', 1), unset('producer_byte_rate')]],
  'a key removed and set': [[user('twice')], [unset('consumer_byte_rate'), set('consumer_byte_rate', 3)]],
  'no operation': [[user('a')], []],
  'an absent key to remove': [[user('alice')], [unset('consumer_byte_rate')]],
  'a present key to remove': [[user('alice')], [unset('request_percentage')]],
  'a key of an absent entity to remove': [[user('absent')], [unset('consumer_byte_rate')]],
  'a long name': [[client('n'.repeat(300))], produceRate],
};

/** Quotas that only Kafka accepts. They are not stored, so that later questions about stored quotas have the same answers. */
const acceptedByKafkaOnly = ['a host', 'a rate that is no number', 'a percentage that is no number'];

function* quotaChanges() {
  for (const [what, [entity, ops]] of Object.entries(quotaAlterations)) {
    for (const validateOnly of acceptedByKafkaOnly.includes(what) ? [true] : [true, false]) {
      yield {
        id: `AlterClientQuotas: ${what}, validateOnly ${validateOnly}`,
        api: 'AlterClientQuotas',
        body: () => ({ entries: [{ entity, ops }], validateOnly }),
      };
    }
  }
  const [aUser, bad] = [[user('many')], [set('nope', 1)]];
  const percentage = [set('request_percentage', 3)];
  for (const [what, entries] of Object.entries({
    nothing: [],
    'two entities': [
      { entity: aUser, ops: produceRate },
      { entity: [client('many')], ops: produceRate },
    ],
    'an entity twice': [
      { entity: aUser, ops: produceRate },
      { entity: aUser, ops: percentage },
    ],
    'an entity twice, the first bad': [
      { entity: aUser, ops: bad },
      { entity: aUser, ops: percentage },
    ],
    'an entity twice, the second bad': [
      { entity: aUser, ops: percentage },
      { entity: aUser, ops: bad },
    ],
    'an entity twice in another order': [
      { entity: [user('m'), client('n')], ops: produceRate },
      { entity: [client('n'), user('m')], ops: percentage },
    ],
    'a good and a bad entity': [
      { entity: [user('good')], ops: produceRate },
      { entity: [user('bad')], ops: bad },
    ],
  })) {
    yield {
      id: `AlterClientQuotas of several: ${what}`,
      api: 'AlterClientQuotas',
      body: () => ({ entries, validateOnly: false }),
    };
  }
}

function* quotas() {
  const part = (entityType, matchType, match = null) => ({ entityType, matchType, match });
  for (const [what, components] of Object.entries({
    nothing: [],
    'all users': [part('user', 2)],
    'all clients': [part('client-id', 2)],
    'all ips': [part('ip', 2)],
    'default user': [part('user', 1)],
    'default client': [part('client-id', 1)],
    'default ip': [part('ip', 1)],
    'a user': [part('user', 0, 'alice')],
    ...Object.fromEntries(
      ['a', 'near', 'small', 'many', 'twice', 'half', 'm'].map((name) => [
        `user ${name}`,
        [part('user', 0, name)],
      ]),
    ),
    'a user and all clients': [part('user', 0, 'alice'), part('client-id', 2)],
    'default user and a client': [part('user', 1), part('client-id', 0, 'app')],
    'all users and clients': [part('client-id', 2), part('user', 2)],
    'all users with a name': [part('user', 2, 'alice')],
    'default user with a name': [part('user', 1, 'alice')],
    'an ip': [part('ip', 0, '10.1.2.3')],
    'a user without name': [part('user', 0)],
    'a user twice': [part('user', 0, 'a'), part('user', 0, 'a')],
    'a user twice, an unknown match': [part('user', 0, 'a'), part('user', 7, 'a')],
    'an absent ip': [part('ip', 0, '1.2.3.4')],
    'an ip and a user': [part('ip', 2), part('user', 2)],
    'an ip and a client': [part('client-id', 1), part('ip', 2)],
    'an unknown type': [part('nope', 2)],
    'an empty type': [part('', 2)],
    'an unknown match': [part('user', 9)],
    'an unknown match and type': [part('nope', 9)],
  })) {
    for (const strict of [false, true]) {
      yield {
        id: `DescribeClientQuotas: ${what}, strict ${strict}`,
        api: 'DescribeClientQuotas',
        body: () => ({ components, strict }),
      };
    }
  }
}

/** Changes of users' credentials. Their order matters, and the last one removes what the others have added. */
function* scramChanges() {
  const user = (name, more) => ({
    name,
    mechanism: 1,
    iterations: 4096,
    salt: Buffer.from('salt'),
    saltedPassword: Buffer.alloc(32, 7),
    ...more,
  });
  for (const [what, { deletions = [], upsertions = [] }] of Object.entries({
    nothing: {},
    'a user': { upsertions: [user('a')] },
    'the same again': { upsertions: [user('a', { iterations: 8192 })] },
    'the other mechanism': { upsertions: [user('a', { mechanism: 2, saltedPassword: Buffer.alloc(64, 7) })] },
    'both mechanisms': { upsertions: [user('b'), user('b', { mechanism: 2 })] },
    twice: { upsertions: [user('c'), user('c')] },
    'deleted and added': { deletions: [{ name: 'a', mechanism: 1 }], upsertions: [user('a')] },
    'one good, one bad': { upsertions: [user('d'), user('e', { iterations: 1 })] },
    'one user, half bad': { upsertions: [user('f'), user('f', { mechanism: 2, iterations: 1 })] },
    'an empty name': { upsertions: [user('')] },
    'an empty name deleted': { deletions: [{ name: '', mechanism: 1 }] },
    'no mechanism': { upsertions: [user('g', { mechanism: 0 })] },
    'an unknown mechanism': { upsertions: [user('g', { mechanism: 3 })] },
    'an unknown mechanism deleted': { deletions: [{ name: 'a', mechanism: 3 }] },
    'a negative mechanism': { deletions: [{ name: 'a', mechanism: -1 }] },
    'few iterations': { upsertions: [user('g', { iterations: 4095 })] },
    'no iterations': { upsertions: [user('g', { iterations: 0 })] },
    'most iterations': { upsertions: [user('g', { iterations: 16_384 })] },
    'too many iterations': { upsertions: [user('g', { iterations: 16_385 })] },
    'no salt': { upsertions: [user('h', { salt: Buffer.alloc(0) })] },
    'no password': { upsertions: [user('i', { saltedPassword: Buffer.alloc(0) })] },
    'an odd name': { upsertions: [user('a=b,c ü')] },
    'absent deleted': { deletions: [{ name: 'z', mechanism: 1 }] },
    'deleted twice': { deletions: [0, 0].map(() => ({ name: 'b', mechanism: 1 })) },
    deleted: { deletions: ['a', 'b'].flatMap((name) => [1, 2].map((mechanism) => ({ name, mechanism }))) },
    'the rest deleted': {
      deletions: ['d', 'g', 'h', 'i', 'a=b,c ü'].map((name) => ({ name, mechanism: 1 })),
    },
  })) {
    yield {
      id: `AlterUserScramCredentials: ${what}`,
      api: 'AlterUserScramCredentials',
      body: () => ({ deletions, upsertions }),
    };
    yield {
      id: `DescribeUserScramCredentials: all, after ${what}`,
      api: 'DescribeUserScramCredentials',
      body: () => ({ users: null }),
    };
  }
}

function* usersAndTransactions() {
  for (const [what, users] of Object.entries({
    all: null,
    nothing: [],
    absent: [{ name: 'a' }],
    twice: [{ name: 'a' }, { name: 'a' }],
    'an empty name': [{ name: '' }],
  })) {
    yield {
      id: `DescribeUserScramCredentials: ${what}`,
      api: 'DescribeUserScramCredentials',
      body: () => ({ users }),
    };
  }
  for (const mechanism of ['', 'PLAIN', 'SCRAM-SHA-256', 'nope']) {
    yield { id: `SaslHandshake: '${mechanism}'`, api: 'SaslHandshake', body: () => ({ mechanism }) };
  }
  for (const text of ['', 'nobody']) {
    const body = () => ({ authBytes: Buffer.from(text) });
    yield { id: `SaslAuthenticate: '${text}'`, api: 'SaslAuthenticate', body };
  }
  for (const ids of [[], [''], ['absent'], ['absent', 'absent']]) {
    yield {
      id: `DescribeTransactions: ${JSON.stringify(ids)}`,
      api: 'DescribeTransactions',
      body: () => ({ transactionalIds: ids }),
    };
  }
  for (const stateFilters of [[], ['Ongoing'], ['nope'], ['']]) {
    for (const producerIdFilters of [[], [-1], [5, 5]]) {
      yield {
        id: `ListTransactions: states ${JSON.stringify(stateFilters)}, producers ${JSON.stringify(producerIdFilters)}`,
        api: 'ListTransactions',
        body: () => ({ stateFilters, producerIdFilters }),
      };
    }
  }
}

export function* securityQuestions() {
  yield* acls();
  yield* quotaChanges();
  yield* quotas();
  yield* scramChanges();
  yield* usersAndTransactions();
}
