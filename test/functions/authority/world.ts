/** An apiserver with Secrets, a trust bundle and one CA bundle of the webhooks, and the authority's ports to it. */
import { createAuthorities } from '../../../adapters/x509/authorities.ts';
import { ensureAuthority } from '../../../functions/authority/ensure.ts';
import { listApiNames } from '../../../functions/authority/api.ts';
import type { AuthorityPorts, Pair, StoredSecret, StoredTrust } from '../../../functions/authority/ports.ts';

export const start = 1_800_000_000;
export const day = 24 * 60 * 60;
export const names = ['127.0.0.1', 'localhost'];
export const clusterFqdn = 'dev.buildkit.internal';

export const dataOf = ({ certificate, key }: Pair) => ({ 'tls.crt': certificate, 'tls.key': key });

export const run = (ports: AuthorityPorts) => ensureAuthority(ports, names);

/** Thrown by a write that was to be the last of a run. */
export class Killed extends Error {}

export function createWorld() {
  const secrets = new Map<string, StoredSecret>();
  const logged: object[] = [];
  const world: { bundle: string; trust: StoredTrust | undefined; revision: number; writesLeft: number } = {
    bundle: '',
    trust: undefined,
    revision: 0,
    writesLeft: Infinity,
  };
  /** A write whose process may be gone before it. */
  const write = <T>(change: () => T): Promise<T> => {
    if (world.writesLeft === 0) return Promise.reject(new Killed());
    world.writesLeft -= 1;
    return Promise.try(change);
  };
  const store = (name: string, data: Readonly<Record<string, string>>) =>
    secrets.set(name, { data, resourceVersion: String(++world.revision) });
  const makePorts = (
    now: number,
    { askedAt, fqdn = clusterFqdn }: { askedAt?: number; fqdn?: string } = {},
  ): AuthorityPorts => ({
    now,
    askedAt,
    getSecret: (name) => Promise.resolve(secrets.get(name)),
    createSecret: (name, data) =>
      secrets.has(name) ? Promise.resolve(false) : write(() => store(name, data).has(name)),
    changeSecret: (name, read, data) =>
      write(() => {
        const found = secrets.get(name);
        if (found?.resourceVersion !== read.resourceVersion) throw new Error('conflict');
        const kept = Object.entries({ ...found.data, ...data }).flatMap(([key, text]) =>
          text === null ? [] : [[key, text]],
        );
        store(name, Object.fromEntries(kept) as Record<string, string>);
      }),
    getTrust: () => Promise.resolve(world.trust),
    writeTrust: (read, trust) =>
      write(() => {
        if (world.trust?.resourceVersion !== read?.resourceVersion) throw new Error('conflict');
        return (world.trust = { ...trust, resourceVersion: String(++world.revision) });
      }),
    apiNames: listApiNames('cluster.local'),
    ...createAuthorities({ nowSeconds: now, clusterFqdn: fqdn }),
    writeCaBundle: (pem) =>
      world.bundle === pem
        ? Promise.resolve([])
        : write(() => {
            world.bundle = pem;
            return ['/apis/a-crd'];
          }),
    log: { info: (fields, message) => void logged.push({ ...fields, message }) },
  });
  const read = (name: string, key = 'tls.crt') => secrets.get(name)?.data[key] ?? '';
  const takeLog = () => logged.splice(0);
  /** All that is stored, to be compared. */
  const snapshot = () => ({ secrets: new Map(secrets), trust: world.trust, bundle: world.bundle });
  return { makePorts, secrets, store, world, takeLog, read, snapshot };
}
