/** Makes the OpenAPI description of the control API from the table of verbs. */
import { type FieldType } from './verb.ts';
import { verbs } from './verbs.ts';

const schemas: Readonly<Record<FieldType, unknown>> = {
  string: { type: 'string' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  duration: { oneOf: [{ type: 'number' }, { type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)$' }] },
  object: { type: 'object', additionalProperties: { type: 'string' } },
  strings: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
  integers: { type: 'array', items: { type: 'integer' } },
  records: {
    type: 'array',
    items: {
      oneOf: [
        { type: 'string' },
        {
          type: 'object',
          required: ['value'],
          properties: {
            key: { type: ['string', 'null'] },
            value: { type: ['string', 'null'] },
            headers: { type: 'object', additionalProperties: { type: 'string' } },
            partition: { type: 'integer' },
            timestampMs: { type: 'integer' },
          },
        },
      ],
    },
  },
};

const errorAnswer = (description: string): unknown => ({
  description,
  content: {
    'application/json': { schema: { type: 'object', properties: { error: { type: 'string' } } } },
  },
});

function operationOf({ method, path, about, fields }: (typeof verbs)[number]): Record<string, unknown> {
  const properties = Object.entries(fields).map(([name, { type, about: description }]) => [
    name,
    { ...(schemas[type] as object), description },
  ]);
  const required = Object.entries(fields).flatMap(([name, { isRequired }]) =>
    isRequired === true ? [name] : [],
  );
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = method === 'GET' ? properties.map(([name, schema]) => ({ name, in: 'query', schema })) : [];
  const schema = {
    type: 'object',
    properties: Object.fromEntries(properties) as object,
    ...(required.length > 0 ? { required } : {}),
  };
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[{}]/g, '').replace(/[/-](\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: about,
    parameters: [...inPath, ...inQuery],
    ...(method === 'POST' ? { requestBody: { content: { 'application/json': { schema } } } } : {}),
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: { type: 'object' } } } },
      400: errorAnswer('The request is invalid; the error says what was expected.'),
      401: errorAnswer('The token is missing or wrong.'),
      403: errorAnswer('The caller is a web page, or on another machine.'),
      404: errorAnswer('The node, topic, fault or snapshot in the path does not exist.'),
      409: errorAnswer("The cluster refused the request; the error begins with the name of Kafka's error."),
      500: errorAnswer('The request failed; the error says why.'),
      504: errorAnswer('The wait timed out; the error shows the last state.'),
    },
  };
}

export function openApi(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const verb of verbs) {
    paths[verb.path] ??= {};
    (paths[verb.path] as Record<string, unknown>)[verb.method.toLowerCase()] = operationOf(verb);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Bendemann test cluster control', version: '1' },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}
