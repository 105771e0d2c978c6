/** Every place that tells the apiserver how to reach our webhooks. No I/O. No clock. */
import { WEBHOOK_CONFIGURATION } from '../../api/names.ts';
import type { Facts } from './check.ts';
import { nameDefinition } from './definitions.ts';
import { valueOf, type ClientConfig } from './observed.ts';

export const REGISTRATIONS = {
  mutating: `MutatingWebhookConfiguration/${WEBHOOK_CONFIGURATION}`,
  validating: `ValidatingWebhookConfiguration/${WEBHOOK_CONFIGURATION}`,
} as const;

/** Where the apiserver finds the webhooks at an address of their own, the parts are no Pods of this cluster. */
export const runsOutside = (facts: Facts): boolean => {
  const clients = listClients(facts);
  return clients.length > 0 && clients.every(({ client }) => client.url !== undefined);
};

interface Client {
  readonly where: string;
  readonly client: ClientConfig;
}

export function listClients(facts: Facts): Client[] {
  const registered = (['mutating', 'validating'] as const).flatMap((kind) =>
    (valueOf(facts[kind])?.webhooks ?? []).map(({ name, clientConfig }) => ({
      where: `${REGISTRATIONS[kind]}: ${name}`,
      client: clientConfig,
    })),
  );
  const converting = Object.entries(facts.definitions).flatMap(([plural, definition]) => {
    const client = valueOf(definition)?.spec.conversion?.webhook?.clientConfig;
    return client === undefined ? [] : [{ where: nameDefinition(plural), client }];
  });
  return [...registered, ...converting];
}
