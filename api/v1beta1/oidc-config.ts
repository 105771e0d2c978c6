/** BuildKitOIDCConfig v1beta1. */
import * as z from 'zod';
import { boundClaims, claimsMapping, issuerUrl, namespaceName, someText, text, type ObjectMeta } from '../fields.ts';
import { objectName } from '../formats.ts';
import type { OidcConfigStatus } from '../status.ts';

export const oidcConfigSpec = z
  .object({
    issuer: issuerUrl,
    audience: someText(1024, 'Audience a token must name.'),
    claimsMapping: claimsMapping.optional(),
    boundClaims: boundClaims.optional(),
    clientID: text(1024, 'OAuth client, for token exchange.').optional(),
    clientSecretRef: z
      .object({
        name: objectName('Name of the Secret.'),
        namespace: namespaceName('Must be the namespace of the config.').optional(),
        key: text(253, 'Key in the Secret; `client-secret` when absent.').optional(),
      })
      .optional()
      .describe('Secret of the OAuth client.'),
    enabled: z.boolean().optional().describe('Whether tokens of this issuer count; true when absent.'),
  })
  .describe('An issuer of tokens.');

export interface OidcConfig {
  readonly metadata: ObjectMeta;
  readonly spec: z.infer<typeof oidcConfigSpec>;
  readonly status?: OidcConfigStatus;
}
