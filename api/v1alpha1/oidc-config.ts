/** BuildKitOIDCConfig v1alpha1. */
import { z } from 'zod';
import { claimsMapping, conditions, secretName, text } from '../fields.ts';
import { maxNamespaceLength } from '../limits.ts';

export const oidcConfigSpec = z
  .object({
    issuer: z.string().min(1).max(2048).describe('Issuer URL, compared byte for byte.'),
    audience: z.string().min(1).max(1024).describe('Audience a token must name.'),
    claimsMapping: claimsMapping.optional(),
    clientID: text(1024, 'OAuth client, for token exchange.').optional(),
    clientSecretRef: z
      .object({
        name: secretName('Name of the Secret.'),
        namespace: text(maxNamespaceLength, 'Must be the namespace of the config.').optional(),
        key: text(253, 'Key in the Secret; `client-secret` when absent.').optional(),
      })
      .optional()
      .describe('Secret of the OAuth client.'),
    enabled: z.boolean().optional().describe('Whether tokens of this issuer count; true when absent.'),
  })
  .describe('An issuer of tokens.');

export const oidcConfigStatus = z
  .object({
    ready: z.boolean().describe('Whether tokens of this issuer can be verified.'),
    message: text(32_768, 'State for a person.'),
    conditions,
  })
  .partial()
  .describe('What is known of the issuer.');
