/** The options of kafka-client-metrics. */
import type { OptionTable } from '../arguments/options.ts';

export const clientMetricsOptions: OptionTable = {
  alter: { help: 'Alter the configuration for the client metrics resource.' },
  'bootstrap-server': { argument: 'server to connect to', help: 'REQUIRED: The Kafka server to connect to.' },
  'command-config': {
    argument: 'command config property file',
    help: 'Property file containing configs to be passed to Admin Client.',
  },
  delete: { help: 'Delete the configuration for the client metrics resource.' },
  describe: { help: 'List configurations for the client metrics resource.' },
  'generate-name': { help: 'Generate a UUID to use as the name.' },
  help: { help: 'Print usage information.' },
  interval: {
    argument: 'push interval',
    help: 'The metrics push interval in milliseconds.\nLeave empty to reset the interval.',
  },
  list: { help: 'List the client metrics resources.' },
  match: {
    argument: 'k1=v1,k2=v2',
    help: "Matching selector 'k1=v1,k2=v2'. The following is a list of valid selector names:\n\tclient_id\n\tclient_instance_id\n\tclient_software_name\n\tclient_software_version\n\tclient_source_address\n\tclient_source_port",
  },
  metrics: { argument: 'm1,m2', help: "Telemetry metric name prefixes 'm1,m2'." },
  name: { argument: 'name', help: 'Name of client metrics configuration resource.' },
  version: { help: 'Display Kafka version.' },
};
