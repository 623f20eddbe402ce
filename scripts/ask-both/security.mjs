/** A broker without authorizer, users and quotas. */
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

function* quotas() {
  for (const [what, components] of Object.entries({
    nothing: [],
    'all users': [{ entityType: 'user', matchType: 2, match: null }],
    'default user': [{ entityType: 'user', matchType: 1, match: null }],
    'a user': [{ entityType: 'user', matchType: 0, match: 'a' }],
    'a user without name': [{ entityType: 'user', matchType: 0, match: null }],
    'a user twice': [0, 0].map((matchType) => ({ entityType: 'user', matchType, match: 'a' })),
    'an ip': [{ entityType: 'ip', matchType: 0, match: '1.2.3.4' }],
    'an ip and a user': ['ip', 'user'].map((entityType) => ({ entityType, matchType: 2, match: null })),
    'an unknown type': [{ entityType: 'nope', matchType: 2, match: null }],
    'an empty type': [{ entityType: '', matchType: 2, match: null }],
    'an unknown match': [{ entityType: 'user', matchType: 9, match: null }],
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
  yield* quotas();
  yield* usersAndTransactions();
}
