/** The options of kafka-delete-records. */
import type { OptionTable } from '../arguments/options.ts';

export const deleteRecordsOptions: OptionTable = {
  'bootstrap-server': {
    argument: 'server(s) to use for bootstrapping',
    help: 'REQUIRED: The server to connect to.',
  },
  'command-config': {
    argument: 'command config property file path',
    help: 'A property file containing configs to be passed to Admin Client.',
  },
  help: { help: 'Print usage information.' },
  'offset-json-file': {
    argument: 'Offset json file path',
    help: 'REQUIRED: The JSON file with offset per partition. The format to use is:\n{"partitions":\n  [{"topic": "foo", "partition": 1, "offset": 1}],\n "version":1\n}',
  },
  version: { help: 'Display Kafka version.' },
};
