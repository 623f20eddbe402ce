/**
 * IncrementalAlterConfigs (44), v0–v1. The broker first checks the values that concern itself (`broker-problem.ts`), then
 * forwards the request to the active controller. It changes only the levels of its own loggers (BROKER_LOGGER) itself. A
 * controller that gets the request from a client does the same.
 * Behaviour: The response waits until this node's image has the change, at most `readYourWriteMs`, as for other forwarded
 *            requests (`forwarded.ts`).
 */
import { alterElements } from '../../../config/alter.ts';
import type { DynamicValues } from '../../../config/node-config.ts';
import { resourceType } from '../../../metadata/configs-image.ts';
import { type ErrorRow, Errors } from '../../../protocol/errors.ts';
import {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../../protocol/messages/configs/44-incremental-alter-configs.ts';
import { isLevelName, rootLogger, settableLevels } from '../../../telemetry/log-levels.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import { readYourWriteMs } from '../../limits.ts';
import type { NodeServices } from '../../services.ts';
import { refuseAtBroker, type ResourceResult, resourceResult } from './broker-problem.ts';
import { forwardToController, type Shows } from '../forwarded.ts';

type Resource = IncrementalAlterConfigsRequest['resources'][number];

const setOperation = 0;
const deleteOperation = 1;
const appendOperation = 2;
const operationNames = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'];

export function createIncrementalAlterConfigsHandler(services: NodeServices): Handler {
  return defineHandler(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, {
    versions: '0-1',
    listeners: ['broker', 'controller'],
    async handle(request, context) {
      const loggers = request.resources.filter(
        (resource) => resource.resourceType === resourceType.brokerLogger,
      );
      const others = request.resources.filter((resource) => !loggers.includes(resource));
      const { accepted: resources, refused } = refuseAtBroker(services, others, changed);
      refused.push(...loggers.map((resource) => alterLoggers(services, resource, request.validateOnly)));
      if (resources.length === 0) return { responses: refused };
      const forwarded = { resources, validateOnly: request.validateOnly };
      const { responses } = await forwardToController(
        services,
        IncrementalAlterConfigsRequest,
        IncrementalAlterConfigsResponse,
        forwarded,
        context,
      );
      if (!request.validateOnly)
        await services.imageWatch.until(shows(resources, responses, context), readYourWriteMs);
      return { responses: [...responses, ...refused] };
    },
    failed: (request, error, _context, message) => ({
      responses: request.resources.map((resource) => resourceResult(resource, error.code, message)),
    }),
  });
}

/** Sets the levels of loggers of this node, until its process ends. Makes all changes of the resource or none. */
function alterLoggers(
  { logger, nodeId }: NodeServices,
  resource: Resource,
  isDryRun: boolean,
): ResourceResult {
  const refuse = (row: ErrorRow, message: string): ResourceResult =>
    resourceResult(resource, row.code, message);
  if (resource.resourceName !== String(nodeId)) {
    return refuse(
      Errors.INVALID_REQUEST,
      `Unexpected broker id, expected ${nodeId} but received ${resource.resourceName}`,
    );
  }
  const { levels } = logger;
  for (const { name, configOperation, value } of resource.configs) {
    if (levels?.has(name) !== true) return refuse(Errors.INVALID_CONFIG, `Logger ${name} does not exist!`);
    if (configOperation === deleteOperation) {
      if (name === rootLogger)
        return refuse(Errors.INVALID_REQUEST, 'Removing the log level of the root logger is not allowed');
    } else if (configOperation !== setOperation) {
      const operation = operationNames[configOperation] ?? 'Unknown';
      return refuse(
        Errors.INVALID_REQUEST,
        `${operation} operation is not allowed for the BROKER_LOGGER resource`,
      );
    } else if (!settableLevels.some((level) => level === value)) {
      return refuse(
        Errors.INVALID_CONFIG,
        `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${settableLevels.join(', ')}`,
      );
    }
  }
  if (isDryRun) return resourceResult(resource, 0, null);
  for (const { name, configOperation, value } of resource.configs) {
    if (configOperation === deleteOperation) levels?.unset(name);
    else if (value !== null && isLevelName(value)) levels?.set(name, value);
  }
  return resourceResult(resource, 0, null);
}

/** The values after SET and DELETE. Lists after APPEND and SUBTRACT are computed and checked by the controller only. */
function changed({ configs }: Resource, before: DynamicValues): DynamicValues {
  const after = new Map(before);
  for (const { name, configOperation, value } of configs) {
    if (configOperation === deleteOperation) after.delete(name);
    if (configOperation === setOperation && value !== null) after.set(name, value);
  }
  return after;
}

/**
 * Whether the image has the changes: each altered value differs from the one that this node had when the request came, or is
 * one that the operation does not change.
 */
function shows(
  resources: readonly Resource[],
  results: readonly ResourceResult[],
  context: RequestContext,
): Shows {
  const altered = resources.filter((resource) =>
    results.some(
      ({ errorCode, resourceType: type, resourceName }) =>
        errorCode === 0 && type === resource.resourceType && resourceName === resource.resourceName,
    ),
  );
  return (image) =>
    altered.every(({ resourceType: type, resourceName, configs }) => {
      const before = context.image.configs.get(type, resourceName);
      const values = image.configs.get(type, resourceName);
      return configs.every((change) => {
        const current = values.get(change.name);
        return current !== before.get(change.name) || changesNothing(change, current);
      });
    });
}

function changesNothing(
  { configOperation, value }: Resource['configs'][number],
  current: string | undefined,
): boolean {
  if (configOperation === deleteOperation) return current === undefined;
  if (configOperation === setOperation) return current === value;
  if (current === undefined || value === null) return false;
  const operation = configOperation === appendOperation ? 'APPEND' : 'SUBTRACT';
  return alterElements(current, operation, value) === current;
}
