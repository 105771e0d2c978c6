/** Bodies of POST /api/v1/certs/request. */
import * as z from 'zod';
import { maxCsrLength, maxPoolsPerCertificate } from '../limits/certificates.ts';
import { maxPoolReferenceLength } from '../limits/fields.ts';

export const CERTIFICATES_PATH = '/api/v1/certs/request';

/** Fields of other implementations that would make us read a tenant's Secret. */
export const UNSUPPORTED_FIELDS: readonly string[] = ['useExistingCerts', 'certSecretName'];

/** `[<namespace>/]<pool>`: an RFC 1123 label of at most 63, an RFC 1035 label of at most 52. */
const poolReference = /^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/)?[a-z](?:[-a-z0-9]{0,50}[a-z0-9])?$/;

const poolExpectation = '<pool> or <namespace>/<pool>, lower-case DNS labels of at most 52 and 63 characters';
const poolsExpectation = `an array of 1 to ${maxPoolsPerCertificate} pool names`;
const csrExpectation = `a PKCS#10 request in PEM or base64 DER, of at most ${maxCsrLength} characters`;
const durationExpectation = 'a Go duration from 5m to 24h, such as 30m or 1h30m';

/** The message of each rule is what is expected where it fails. */
export const certificateRequest = z
  .strictObject(
    {
      pools: z
        .array(
          z
            .string({ error: poolExpectation })
            .max(maxPoolReferenceLength, { error: poolExpectation, abort: true })
            .regex(poolReference, { error: poolExpectation })
            .describe('A pool as `<pool>` of the namespace of the ServiceAccount, or `<namespace>/<pool>`.'),
          { error: poolsExpectation },
        )
        .min(1, { error: poolsExpectation })
        .max(maxPoolsPerCertificate, { error: poolsExpectation })
        .describe('Pools the certificate is for: all of them or none.'),
      duration: z
        .string({ error: durationExpectation })
        .max(64, { error: durationExpectation })
        .optional()
        .describe(
          "Life of the certificate as a Go duration, from 5m to 24h and at most the pools' maxTTL; when absent, the pools' ttl, which is 1h where they name none.",
        ),
      csr: z
        .string({ error: csrExpectation })
        .max(maxCsrLength, { error: csrExpectation })
        .optional()
        .describe(
          'A PKCS#10 request in PEM or base64 DER, signed with SHA-2 by its RSA (2048 to 8192 bits), P-256, P-384 or Ed25519 key. Only the public key is taken. When absent, a key is made for the answer.',
        ),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? 'no such field' : 'a JSON object') },
  )
  .describe('Which pools the certificate is for.');

export const DURATION_EXPECTATION = durationExpectation;

const pem = (description: string) => z.string().describe(description);

export const certificateAnswer = z
  .object({
    caCert: pem('The trust bundle: every root that a gateway of this cluster may be verified with, PEM.'),
    clientCert: pem('The certificate, then the intermediate that signed it, PEM.'),
    clientKey: pem('Its private key, PKCS#8 PEM, where no csr was sent. It is kept nowhere else.').optional(),
    endpoints: z
      .record(z.string(), z.string())
      .describe('Where to connect for each pool, by the names as they were asked for.'),
    expiresAt: z.iso.datetime().describe('When the certificate ends.'),
    serial: z.string().describe('Serial number in hexadecimal, as it stands in the audit log.'),
    pools: z.array(z.string()).describe('The pools of the certificate, each once, as `<namespace>/<pool>`.'),
    requestId: z.string().describe('Names this request in the logs.'),
  })
  .describe('A certificate for the pools that were asked for.');
export type CertificateAnswer = z.infer<typeof certificateAnswer>;
