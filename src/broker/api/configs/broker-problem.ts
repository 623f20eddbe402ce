/**
 * Checks AlterConfigs and IncrementalAlterConfigs before they are forwarded to the controller. The broker refuses new values
 * for itself, or for all brokers, that are invalid together with its properties file or its current thread counts. Only this
 * broker knows these, so the controller cannot check them.
 */
import { problemAtBroker } from '../../../config/alter.ts';
import type { DynamicValues } from '../../../config/node-config.ts';
import { resourceType } from '../../../metadata/configs-image.ts';
import { Errors } from '../../../protocol/errors.ts';
import type { NodeServices } from '../../services.ts';

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface ResourceResult extends Resource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export function resourceResult(
  { resourceType: type, resourceName }: Resource,
  errorCode: number,
  errorMessage: string | null,
): ResourceResult {
  return { errorCode, errorMessage, resourceType: type, resourceName };
}

/**
 * Splits the resources into those that may be forwarded and those that this broker refuses. `after` computes the dynamic values
 * of a resource after the change from its present ones.
 */
export function refuseAtBroker<R extends Resource>(
  { config, nodeId }: NodeServices,
  resources: readonly R[],
  after: (resource: R, before: DynamicValues) => DynamicValues,
): { accepted: R[]; refused: ResourceResult[] } {
  const accepted: R[] = [];
  const refused: ResourceResult[] = [];
  for (const resource of resources) {
    const { resourceType: type, resourceName: name } = resource;
    const isForOneBroker = name !== '';
    const concernsThisBroker = type === resourceType.broker && (!isForOneBroker || name === String(nodeId));
    const before = isForOneBroker ? config.dynamicBroker : config.dynamicCluster;
    const problem = concernsThisBroker
      ? problemAtBroker(after(resource, before), config, isForOneBroker)
      : null;
    if (problem === null) accepted.push(resource);
    else refused.push(resourceResult(resource, Errors.INVALID_REQUEST.code, problem));
  }
  return { accepted, refused };
}
