/**
 * DescribeCluster (60), v0–v2. The cluster id, the controller, and the nodes: brokers, or controllers on a controller listener.
 * Versions:  v1 endpoint type (KIP-919) · v2 fenced brokers.
 * Behaviour: The brokers have their addresses on the listener to which the client is connected, as in Metadata. A request for
 *            the wrong type of endpoint gets an error, so that a tool can say that --bootstrap-server and
 *            --bootstrap-controller were confused.
 */
import type { MetadataImage } from '../../../metadata/image.ts';
import { Errors } from '../../../protocol/errors.ts';
import {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from '../../../protocol/messages/cluster/60-describe-cluster.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { defineHandler, type Handler, type RequestContext } from '../../handler.ts';
import type { NodeServices } from '../../services.ts';
import { clusterOperations, operationsNotAsked } from '../authorized-operations.ts';
import type { Endpoints } from '../endpoints.ts';

type Node = Init<typeof DescribeClusterResponse>['brokers'][number];

const brokerEndpoint = 1;
const controllerEndpoint = 2;
const endpointNames = ['UNKNOWN', 'BROKER', 'CONTROLLER'];

export function createDescribeClusterHandler(services: NodeServices, endpoints: Endpoints): Handler {
  return defineHandler(DescribeClusterRequest, DescribeClusterResponse, {
    versions: '0-2',
    listeners: ['broker', 'controller'],
    handle(request, context) {
      const onController = context.connection.listenerKind === 'controller';
      const own = onController ? controllerEndpoint : brokerEndpoint;
      if (request.endpointType !== own)
        return mismatch(services, own, request.endpointType, context.apiVersion);
      const brokers = onController
        ? controllerNodes(services, context)
        : brokerNodes(endpoints, context, request.includeFencedBrokers);
      return {
        errorCode: 0,
        endpointType: own,
        clusterId: services.clusterId,
        controllerId: onController ? (services.quorum().leaderId ?? -1) : brokerController(services, brokers),
        brokers,
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
          ? clusterOperations
          : operationsNotAsked,
      };
    },
    failed: (_request, error, _context, message) => ({
      errorCode: error.code,
      errorMessage: message,
      clusterId: services.clusterId,
      brokers: [],
    }),
  });
}

function mismatch(
  services: NodeServices,
  own: number,
  asked: number,
  version: number,
): Init<typeof DescribeClusterResponse> {
  const known = asked === brokerEndpoint || asked === controllerEndpoint;
  const error = known ? Errors.MISMATCHED_ENDPOINT_TYPE : Errors.UNSUPPORTED_ENDPOINT_TYPE;
  const errorMessage = known
    ? `The request was sent to an endpoint of type ${endpointNames[own]}, but we wanted an endpoint of type ${endpointNames[asked]}`
    : `Unsupported endpoint type ${asked}`;
  // Version 0 lacks the field, so it must have its default (broker); otherwise the response could not be encoded.
  const endpointType = version === 0 ? brokerEndpoint : own;
  return { errorCode: error.code, errorMessage, endpointType, clusterId: services.clusterId, brokers: [] };
}

function brokerNodes(endpoints: Endpoints, context: RequestContext, includeFenced: boolean): Node[] {
  const nodes: Node[] = [];
  for (const broker of context.image.cluster.brokers.values()) {
    if (broker.fenced && !includeFenced) continue;
    const endpoint = endpoints.of(context.image, broker, context.connection);
    if (endpoint === null) continue;
    const { host, port, rack } = endpoint;
    nodes.push({ brokerId: broker.id, host, port, rack, isFenced: broker.fenced });
  }
  return nodes;
}

/**
 * The broker that clients send requests for the controller to, as in Metadata responses: the active controller if it is an
 * unfenced broker, otherwise the first unfenced broker.
 */
function brokerController(services: NodeServices, brokers: readonly Node[]): number {
  const { leaderId } = services.quorum();
  const unfenced = brokers.filter(({ isFenced }) => isFenced !== true).map(({ brokerId }) => brokerId);
  return unfenced.find((brokerId) => brokerId === leaderId) ?? unfenced[0] ?? -1;
}

/** The registered controllers, and the voters that are not registered, with the endpoints that the quorum knows. */
function controllerNodes(services: NodeServices, context: RequestContext): Node[] {
  const nodes = new Map<number, Node>();
  for (const { id, endpoints } of controllerEndpoints(services, context.image)) {
    const endpoint = endpoints.find(({ name }) => name === context.connection.listenerName) ?? endpoints[0];
    if (endpoint === undefined || nodes.has(id)) continue;
    nodes.set(id, { brokerId: id, host: endpoint.host, port: endpoint.port, rack: null, isFenced: false });
  }
  return [...nodes.values()];
}

interface ControllerEndpoints {
  readonly id: number;
  readonly endpoints: readonly { readonly name: string; readonly host: string; readonly port: number }[];
}

function controllerEndpoints(services: NodeServices, image: MetadataImage): ControllerEndpoints[] {
  const registered = [...image.cluster.controllers.values()];
  const others = services.quorum().voters.filter(({ id }) => !image.cluster.controllers.has(id));
  return [...registered, ...others];
}
