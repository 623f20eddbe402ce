/**
 * AlterConfigs (33), v0–v2. The broker first checks the values that concern itself (`broker-problem.ts`), then forwards the
 * request to the active controller.
 * Behaviour: Replaces all dynamic values of a resource. The response does not wait until this node's image has the change.
 */
import type { DynamicValues } from '../../../config/node-config.ts';
import {
  AlterConfigsRequest,
  AlterConfigsResponse,
} from '../../../protocol/messages/configs/33-alter-configs.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';
import { refuseAtBroker, resourceResult } from './broker-problem.ts';
import { forwardToController } from '../forwarded.ts';

type Resource = AlterConfigsRequest['resources'][number];

export function createAlterConfigsHandler(services: NodeServices): Handler {
  return defineHandler(AlterConfigsRequest, AlterConfigsResponse, {
    versions: '0-2',
    listeners: ['broker', 'controller'],
    async handle({ resources, validateOnly }, context) {
      const { accepted, refused } = refuseAtBroker(services, resources, replaced);
      if (accepted.length === 0) return { responses: refused };
      const forwarded = { resources: accepted, validateOnly };
      const { responses } = await forwardToController(
        services,
        AlterConfigsRequest,
        AlterConfigsResponse,
        forwarded,
        context,
      );
      return { responses: [...responses, ...refused] };
    },
    failed: (request, { code }, _context, message) => ({
      responses: request.resources.map((resource) => resourceResult(resource, code, message)),
    }),
  });
}

function replaced({ configs }: Resource): DynamicValues {
  return new Map(configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])));
}
