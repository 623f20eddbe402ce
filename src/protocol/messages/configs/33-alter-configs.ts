/** AlterConfigs: replaces all dynamic values of a resource. Clients use IncrementalAlterConfigs instead. */
import { array, bool, int32, int8, message, string, type Infer } from '../../schema/fields.ts';
import { alteredResource } from '../field-groups.ts';

export const AlterConfigsRequest = message(
  'AlterConfigsRequest',
  { key: 33, versions: '0-2', flexible: '2+', listeners: ['broker', 'controller'] },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: '0+' }),
      }),
    }),
    validateOnly: bool(),
  },
);
export type AlterConfigsRequest = Infer<typeof AlterConfigsRequest>;

export const AlterConfigsResponse = message(
  'AlterConfigsResponse',
  { key: 33, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    responses: array(alteredResource),
  },
);
export type AlterConfigsResponse = Infer<typeof AlterConfigsResponse>;
