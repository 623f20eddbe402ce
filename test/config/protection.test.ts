/** Keys with which a file promises a protection that this release does not have (docs/decisions/0082). */
import { expect, test } from 'vitest';
import { inspectProperties } from '../../src/config/inspect.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { parseProperties } from '../../src/config/properties-file.ts';
import { combined, error } from './combined-file.ts';

/** Files from which an operator believes that clients are kept from something. */
const unguarded: readonly [lines: string, message: RegExp][] = [
  [
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\nsuper.users=User:admin',
    /^authorizer\.class\.name=org\S+StandardAuthorizer: ACLs are not built yet, so every client could .*Remove the line/,
  ],
  [
    'create.topic.policy.class.name=org.example.Policy',
    /^Invalid value org\.example\.Policy for configuration create\.topic\.policy\.class\.name: Class org\.example\.Policy could not be found\..*Remove the line/,
  ],
  ['alter.config.policy.class.name=P', /Class P could not be found\..*Remove the line/],
  ['client.quota.callback.class=Q', /Class Q could not be found\..*Remove the line/],
  [
    'listener.name.plaintext.principal.builder.class=B',
    /^Invalid value B for configuration listener\.name\.plaintext\.principal\.builder\.class: Class B could not be found\.$/,
  ],
];

test.each(unguarded)(
  'a node does not start when clients may do what the file forbids: %s',
  (lines, message) => {
    expect(error(combined + lines)).toMatch(message);
    const { problems } = inspectProperties(parseProperties(combined + lines));
    expect(problems.map(({ message: told }) => told)).toEqual([error(combined + lines)]);
  },
);

test('empty, these keys mean nothing', () => {
  expect(NodeConfig.parse(`${combined}authorizer.class.name=`).warnings).toEqual([]);
});

test.each(['super.users=User:admin; User:ANONYMOUS', 'allow.everyone.if.no.acl.found=true'])(
  'a node starts with an authorizer when its file lets every client do everything: %s',
  (line) => {
    const { warnings } = NodeConfig.parse(`${combined}authorizer.class.name=StandardAuthorizer\n${line}`);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('Configuration authorizer.class.name has no effect');
  },
);

test('a broker does not send requests to controllers without the protocol of their listener', () => {
  const broker =
    'process.roles=broker\nnode.id=2\ncontroller.quorum.voters=1@h:1\ncontroller.listener.names=C\nlisteners=PLAINTEXT://:1\n';
  const map = (protocol: string): string =>
    `${broker}listener.security.protocol.map=PLAINTEXT:PLAINTEXT,C:${protocol}`;
  expect(error(map('SASL_SSL'))).toMatch(/controller listener C has the protocol SASL_SSL.*Set C:PLAINTEXT/);
  expect(NodeConfig.parse(map('PLAINTEXT')).warnings).toEqual([]);
});
