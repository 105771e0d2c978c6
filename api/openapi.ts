/** The HTTP API as an OpenAPI 3.1 document, from the schemas that parse it. */
import * as z from 'zod';
import { certificateAnswer, CERTIFICATES_PATH, certificateRequest } from './http/certificates.ts';
import {
  makeProblem,
  problem,
  PROBLEM_CONTENT_TYPE,
  UNAUTHENTICATED_DETAIL,
  type FieldError,
  type ProblemCode,
} from './http/problem.ts';
import { maxRequestBodyBytes } from './limits/http.ts';
import { HEALTH_PATH, poolEndpoint, REQUEST_ID_HEADER, STORAGE_API_VERSION, TOKEN_AUDIENCE } from './names.ts';

const requestId = '0e5f7a4c-52f3-4a55-8d4e-3a1c54c2a0de';

export const makeOpenApi = (): object => ({
  openapi: '3.1.0',
  info: {
    title: 'BuildKit Controller',
    version: STORAGE_API_VERSION,
    description: 'Certificates for the BuildKit pools of a Kubernetes cluster.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  paths: {
    [CERTIFICATES_PATH]: { post: certificatesOperation() },
    [HEALTH_PATH]: {
      get: {
        operationId: 'getHealth',
        summary: 'Whether this is up.',
        responses: { 200: { description: 'It is.', content: { 'text/plain': { schema: { const: 'OK' } } } } },
      },
    },
  },
  components: {
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: `A ServiceAccount's token for the audience \`${TOKEN_AUDIENCE}\`, or a token of an OIDC issuer that the pools trust.`,
      },
    },
    schemas: {
      CertificateRequest: toJsonSchema(certificateRequest, 'input'),
      CertificateAnswer: toJsonSchema(certificateAnswer, 'output'),
      Problem: toJsonSchema(problem, 'output'),
    },
  },
});

const certificatesOperation = () => ({
  operationId: 'requestCertificate',
  summary: 'A client certificate for up to 16 pools: for all of them or for none.',
  security: [{ bearer: [] }],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: ref('CertificateRequest'),
        example: { pools: ['tenant-pool', 'buildkit-system/shared-pool'], duration: '30m' },
      },
    },
  },
  responses: {
    200: {
      description: 'The certificate. It and its key are stored nowhere.',
      headers: { 'Cache-Control': header('Always `no-store`.'), ...requestIdHeader },
      content: { 'application/json': { schema: ref('CertificateAnswer'), example: answerExample } },
    },
    400: problemAnswer('The body is not as it must be; every wrong field is named.', [
      example('invalid_request', 'the request is not as it must be', [
        { field: 'duration', expected: 'a Go duration from 5m to 24h, such as 30m or 1h30m', got: '"10s"' },
      ]),
      example('duration_too_long', 'a pool that was asked for allows less', [
        { field: 'duration', expected: 'at most 2h', got: '24h' },
      ]),
      example('unsupported_field', 'the request is not as it must be', [
        { field: 'certSecretName', expected: 'no such field', got: '"my-secret"' },
      ]),
    ]),
    401: problemAnswer(
      'No token, or none that counts: get a new one before trying again. One answer, whatever is wrong with it.',
      [example('unauthenticated', UNAUTHENTICATED_DETAIL)],
      { 'WWW-Authenticate': header('How to authenticate.') },
    ),
    403: problemAnswer(
      'The token is good, and one of the pools may not be used with it, does not trust its issuer, or is not there.',
      [example('pool_forbidden', 'not permitted to use these pools: "tenant-b/private-pool"')],
    ),
    404: problemAnswer('A pool that may be used does not exist.', [
      example('pool_not_found', 'no such pool: "tenant-pool"'),
    ]),
    413: problemAnswer(`The body is longer than ${maxRequestBodyBytes} bytes.`, [
      example('body_too_large', `expected at most ${maxRequestBodyBytes} bytes`),
    ]),
    415: problemAnswer('The body is not JSON.', [
      example('unsupported_media_type', 'expected application/json in UTF-8, got "text/plain"'),
    ]),
    503: problemAnswer(
      'The apiserver, the CA or the issuer of the token is not there for the moment.',
      [example('unavailable', 'a part this needs is not there; try again')],
      { 'Retry-After': header('Seconds to wait.') },
    ),
  },
});

const answerExample = {
  caCert: '-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n',
  clientCert: '-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n',
  clientKey: '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n',
  endpoints: {
    'tenant-pool': poolEndpoint('tenant-a', 'tenant-pool'),
    'buildkit-system/shared-pool': poolEndpoint('buildkit-system', 'shared-pool'),
  },
  expiresAt: '2026-01-01T12:30:00Z',
  serial: '5C0B8E0A4F2D9B1763E1A0D4C2F58E97',
  pools: ['tenant-a/tenant-pool', 'buildkit-system/shared-pool'],
  requestId,
};

const example = (code: ProblemCode, detail: string, errors?: readonly FieldError[]) =>
  makeProblem(code, { detail, requestId, ...(errors === undefined ? {} : { errors }) });

const problemAnswer = (description: string, examples: readonly { code: string }[], headers?: object) => ({
  description,
  headers: { ...headers, ...requestIdHeader },
  content: {
    [PROBLEM_CONTENT_TYPE]: {
      schema: ref('Problem'),
      examples: Object.fromEntries(examples.map((value) => [value.code, { value }])),
    },
  },
});

const header = (description: string) => ({ description, schema: { type: 'string' } });
const requestIdHeader = { [REQUEST_ID_HEADER]: header('Names this request in the logs.') };
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  // The dialect is that of the whole document.
  return { ...z.toJSONSchema(schema, { io, reused: 'inline' }), $schema: undefined };
}
