/** How the apiserver, the kubelet and the proxy prove themselves to each other. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeRoot, makeServerLeaf } from '../../adapters/x509/authorities.ts';
import { generateKeyPair } from '../../adapters/x509/keys.ts';
import { toPem } from '../../adapters/x509/pem.ts';
import { issue, loadSigner, makeSerial, type TlsPair } from '../../adapters/x509/signer.ts';
import { makeRootProfile, type CertificateProfile } from '../../core/certificates/profile.ts';
import type { Account } from '../control-plane/start.ts';
import type { Addresses } from './addresses.ts';

export const nodeName = 'node';

/** Longer than anybody leaves a development node running. */
const ttlSeconds = 90 * 86_400;

const makeAccount = (user: string, group: string): Account => ({ user, group, token: randomUUID() });

export type Accounts = ReturnType<typeof makeAccounts>;
/** Of the node's parts. Kubernetes' own rules give rights to the names of the first two. */
export const makeAccounts = () => ({
  kubelet: makeAccount(`system:node:${nodeName}`, 'system:nodes'),
  proxy: makeAccount('system:kube-proxy', 'system:node-proxier'),
  policies: makeAccount('node-policies', 'node-policies'),
});

/** What the apiserver is told to call the kubelet with what `writeCertificates` wrote. */
export const kubeletFlags = (folder: string): string[] => [
  `--kubelet-certificate-authority=${join(folder, 'kubelet-ca.crt')}`,
  `--kubelet-client-certificate=${join(folder, 'kubelet-client.crt')}`,
  `--kubelet-client-key=${join(folder, 'kubelet-client.key')}`,
];

interface Folders {
  readonly node: string;
  /** Where the apiserver looks for `apiserver.{crt,key}`, and makes one for fewer names when there is none. */
  readonly controlPlane: string;
}

/** For the node `kubelet-ca.crt`, `kubelet.{crt,key}` to serve with, `kubelet-client.{crt,key}` to be called with. */
export async function writeCertificates(folders: Folders, { machine, node, apiserver }: Addresses): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const ca = makeRoot(makeRootProfile, nowSeconds);
  const serve = (commonName: string, names: readonly string[]) => makeServerLeaf(ca, { commonName, names }, nowSeconds);
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  await mkdir(folders.controlPlane, { recursive: true, mode: 0o700 });
  await writePair(
    join(folders.controlPlane, 'apiserver'),
    serve('kube-apiserver', [machine, apiserver, '127.0.0.1', 'localhost', ...service]),
  );
  await writePair(join(folders.node, 'kubelet'), serve(`system:node:${nodeName}`, [node]));
  await writePair(join(folders.node, 'kubelet-client'), makeClient(ca, nowSeconds));
  await writeFile(join(folders.node, 'kubelet-ca.crt'), ca.certificate);
}

async function writePair(path: string, { certificate, key }: TlsPair): Promise<void> {
  await writeFile(`${path}.crt`, certificate);
  await writeFile(`${path}.key`, key, { mode: 0o600 });
}

/** The apiserver, as the kubelet knows it: the one to whom the group gives all rights there. */
function makeClient(ca: TlsPair, nowSeconds: number): TlsPair {
  const pair = generateKeyPair();
  const profile: CertificateProfile = {
    serial: makeSerial(),
    subject: { organization: 'system:masters', commonName: 'kube-apiserver' },
    notBefore: nowSeconds - 60,
    notAfter: nowSeconds + ttlSeconds,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    names: [],
  };
  const certificate = issue(loadSigner(ca), profile, pair);
  return { certificate: toPem('CERTIFICATE', certificate), key: toPem('PRIVATE KEY', pair.privateKey) };
}
