/** The options of kafka-delegation-tokens. */
import type { OptionTable } from '../arguments/options.ts';

export const delegationTokensOptions: OptionTable = {
  'bootstrap-server': { argument: '', help: 'REQUIRED: server(s) to use for bootstrapping.' },
  'command-config': {
    argument: '',
    help: 'REQUIRED: A property file containing configs to be passed to Admin Client. Token management operations are allowed in secure mode only. This config file is used to pass security related configs.',
  },
  create: {
    help: 'Create a new delegation token. Use --renewer-principal option to pass renewer principals.',
  },
  describe: {
    help: 'Describe delegation tokens for the given principals. Use --owner-principal to pass owner/renewer principals. If --owner-principal option is not supplied, all the user-owned tokens and tokens where the user has Describe permissions will be returned.',
  },
  expire: { help: 'Expire delegation token. Use --expiry-time-period option to expire the token.' },
  'expiry-time-period': {
    type: 'Long',
    argument: '',
    isOptional: true,
    help: 'Expiry time period in milliseconds. If the value is -1, then the token will get invalidated immediately.',
  },
  help: { help: 'Print usage information.' },
  hmac: { argument: '', isOptional: true, help: 'HMAC of the delegation token' },
  'max-life-time-period': {
    type: 'Long',
    argument: '',
    isOptional: true,
    help: 'Max life period for the token in milliseconds. If the value is -1, then token max life time will default to the server side config value of (delegation.token.max.lifetime.ms).',
  },
  'owner-principal': {
    argument: '',
    isOptional: true,
    help: 'owner is a Kafka principal. They should be in principalType:name format.',
  },
  renew: { help: 'Renew delegation token. Use --renew-time-period option to set renew time period.' },
  'renew-time-period': {
    type: 'Long',
    argument: '',
    isOptional: true,
    help: 'Renew time period in milliseconds. If the value is -1, then the renew time period will default to the server side config value of (delegation.token.expiry.time.ms).',
  },
  'renewer-principal': {
    argument: '',
    isOptional: true,
    help: 'renewer is a Kafka principal. They should be in principalType:name format.',
  },
  version: { help: 'Display Kafka version.' },
};
