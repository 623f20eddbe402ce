/**
 * Validation of AlterConfigs and IncrementalAlterConfigs before they are forwarded: values of this broker, or of all brokers, that
 * are invalid in combination with this broker's properties file or its current thread counts, which only this broker knows.
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

/** `after` computes the dynamic values that the resource would have from those that it has. */
export function refuseAtBroker<R extends Resource>(
  { config, nodeId }: NodeServices,
  resources: readonly R[],
  after: (resource: R, before: DynamicValues) => DynamicValues,
): { accepted: R[]; refused: ResourceResult[] } {
  const accepted: R[] = [];
  const refused: ResourceResult[] = [];
  for (const resource of resources) {
    const { resourceType: type, resourceName: name } = resource;
    const isOwn = name !== '';
    const concerns = type === resourceType.broker && (!isOwn || name === String(nodeId));
    const before = isOwn ? config.dynamicBroker : config.dynamicCluster;
    const problem = concerns ? problemAtBroker(after(resource, before), config, isOwn) : null;
    if (problem === null) accepted.push(resource);
    else refused.push(resourceResult(resource, Errors.INVALID_REQUEST.code, problem));
  }
  return { accepted, refused };
}
