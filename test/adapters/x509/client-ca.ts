/** A root and the CA for clients below it, and both as a Pod mounts them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeIntermediate, makeRoot } from '../../../adapters/x509/authorities.ts';
import type { TlsPair } from '../../../adapters/x509/signer.ts';
import { makeClientCaProfile, makeRootProfile } from '../../../core/certificates/profile.ts';

export interface ClientCa {
  readonly root: TlsPair;
  readonly clients: TlsPair;
}

export function makeClientCa(clusterFqdn: string, nowSeconds: number): ClientCa {
  const root = makeRoot(makeRootProfile, nowSeconds);
  return { root, clients: makeIntermediate(root, makeClientCaProfile, { clusterFqdn, nowSeconds }) };
}

export async function writeClientCa(folder: string, { root, clients }: ClientCa): Promise<void> {
  const files = { 'tls.crt': clients.certificate, 'tls.key': clients.key, 'ca.crt': root.certificate };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}
