/** From what a gateway showed to a worker: the certificate, the right to use the pool, the lease. */
import type { LeaseRequest } from '../../api/http/leases.ts';
import { maxChosenLeases } from '../../api/limits/allocation.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { AllocationStore } from '../../core/allocation/acquire.ts';
import { judgeCertificate, type CertifiedClient, type ShownCertificate } from '../../core/allocation/certificate.ts';
import { chooseLease } from '../../core/allocation/choose-lease.ts';
import type { Claim } from '../../core/allocation/lease.ts';
import type { Answer, Task } from '../../core/allocation/next.ts';
import { shortDomain, type NamedPrincipal } from '../../core/allocation/principal.ts';
import { formatPoolKey } from '../../core/pool-reference.ts';
import type { Result } from '../../core/result.ts';

export interface AllocatePorts {
  /** Whether the client CA signed it. Rejects while there is no CA. */
  readonly verify: (chain: {
    readonly certificate: Uint8Array;
    readonly issuer: Uint8Array | undefined;
  }) => Promise<Result<ShownCertificate, string>>;
  readonly mayUse: (named: NamedPrincipal, pool: Pool) => Promise<boolean>;
  readonly acquire: (task: Omit<Task, 'avoid'>) => Promise<Answer>;
  readonly listLeases: AllocationStore['listLeases'];
  readonly clusterFqdn: string;
  readonly now: () => Date;
}

interface Allocation {
  readonly pool: Pool;
  readonly request: LeaseRequest;
  /** UID of the Pod of the gateway. */
  readonly gateway: string;
}

type Lasting = Exclude<Answer, { readonly do: 'taken' }>;

/** An answer, of which lease it is, and whose. */
export type Outcome = Lasting & {
  readonly lease?: string;
  readonly principal?: string;
  readonly fingerprint?: string;
};

export type Allocate = (allocation: Allocation) => Promise<Outcome>;

export const createAllocate =
  (ports: AllocatePorts): Allocate =>
  async (allocation) => {
    const client = await readClient(ports, allocation);
    if (!client.ok) return { do: 'refuse', ...client.error };
    const { principal, domainHash, fingerprint } = client.value;
    const who = { principal, fingerprint };
    const { pool } = allocation;
    if (!(await ports.mayUse({ principal, domain: shortDomain(domainHash) }, pool))) {
      const detail = `"${principal}" may not use BuildKitPool "${formatPoolKey(pool.metadata)}"`;
      return { do: 'refuse', code: 'pool_forbidden', detail, ...who };
    }
    return { ...(await acquireOne(ports, allocation, client.value)), ...who };
  };

async function readClient({ verify, clusterFqdn, now }: AllocatePorts, { pool, request }: Allocation) {
  const certificate = Uint8Array.fromBase64(request.certificate);
  const issuer = request.issuer === undefined ? undefined : Uint8Array.fromBase64(request.issuer);
  const shown = await verify({ certificate, issuer });
  return shown.ok
    ? judgeCertificate(shown.value, { pool, clusterFqdn, now: now() })
    : { ok: false as const, error: { code: 'certificate_refused' as const, detail: shown.error } };
}

/** Where the pool bounds the connections of a lease, gateways race for the next one. */
async function acquireOne(
  ports: AllocatePorts,
  { pool, request, gateway }: Allocation,
  client: CertifiedClient,
): Promise<Lasting & { readonly lease: string }> {
  const most = pool.spec.workers?.scaling?.targets?.activeConnections;
  const base = client.fingerprint.slice(0, 32);
  for (let attempt = 0; attempt < maxChosenLeases; attempt += 1) {
    const leases = most === undefined ? [] : await ports.listLeases(pool);
    const facts = { pool: pool.metadata.name, leases, now: ports.now() };
    const lease = chooseLease({ base, most, open: request.open, gateway }, facts);
    const claim = makeClaim(client, lease, gateway);
    const answer = await ports.acquire({ pool, claim, isBounded: most !== undefined });
    if (answer.do !== 'taken') return { ...answer, lease };
  }
  throw new Error(`other gateways took each of ${maxChosenLeases} leases`);
}

const makeClaim = (client: CertifiedClient, lease: string, gateway: string): Claim => ({
  lease,
  token: `sha256:${client.fingerprint}`,
  principal: client.principal,
  domain: shortDomain(client.domainHash),
  issuedAtMs: client.issuedAtMs,
  gateway,
});
