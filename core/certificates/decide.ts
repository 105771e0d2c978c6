/** From a parsed request to a certificate, or to the one reason why there is none. All pools or nothing. */
import { maxParallelPoolCalls } from '../../api/limits/certificates.ts';
import type { Labels } from '../access/label-selector.ts';
import { isIssuanceRefused } from '../access/revocation.ts';
import { judgeUse, type Client, type UsablePool, type UsePorts, type UseDecision } from '../access/use.ts';
import type { Caller } from '../caller.ts';
import type { IssuedCertificate, IssueFault, IssueRequest } from './issued.ts';
import type { PoolIdentity } from './client-uris.ts';
import type { CertificateRequest } from './request.ts';
import { isBareName, resolvePools, type ResolvedPool } from './resolve.ts';
import { forbid, foreignKey, refusals, refuseAbsent, refuseDuration, type Refusal } from './refusals.ts';
import { decideTtl } from './ttl.ts';
import type { IdentityFault } from '../oidc/identify.ts';
import { endpointOf } from '../pool/endpoint.ts';
import type { PoolKey } from '../pool-reference.ts';
import { namespaceOf, trustDomainOf, type Principal } from '../principal.ts';
import { err, ok, type Result } from '../result.ts';

/** What a decision reads. Each port throws when the part behind it can't answer. */
export interface DecisionReads extends UsePorts {
  /** Undefined where there is no such namespace. */
  readonly getNamespaceLabels: (namespace: string) => Promise<Labels | undefined>;
}

export interface DecisionPorts extends DecisionReads {
  readonly issue: (request: IssueRequest) => Promise<Result<IssuedCertificate, IssueFault>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Decision {
  readonly principal: Principal;
  readonly pools: readonly (ResolvedPool & { readonly endpoint: string })[];
  readonly identities: readonly PoolIdentity[];
  readonly certificate: IssuedCertificate;
}

export async function decide(
  ports: DecisionPorts,
  caller: Caller,
  request: CertificateRequest,
): Promise<Result<Decision, Refusal>> {
  // Before anything is read: what is taken back while the request is decided makes an earlier certificate of it.
  const issuedAtMs = ports.now();
  const namespace = await findDefaultNamespace(caller, request.pools);
  if (!namespace.ok) return err(namespace.error);
  const resolved = resolvePools(request.pools, namespace.value);
  if (!resolved.ok)
    return err({ code: 'invalid_request', detail: 'a pool needs its namespace', errors: resolved.error });
  const pools = resolved.value;
  const principals = await identify(caller, pools);
  if (!principals.ok) return err(refusals[principals.error]);
  const entry = await findEntry(principals.value, pools, ports);
  if (!entry.ok) return err(entry.error);
  const revoked = findRevoked(principals.value, { pools, verdicts: entry.value.verdicts, issuedAtMs });
  if (revoked !== undefined) return err(revoked);
  return await issue(ports, { ...entry.value, pools, issuedAtMs }, request);
}

/** The namespace that bare names mean; undefined where they mean nothing or there are none. */
async function findDefaultNamespace(
  caller: Caller,
  names: readonly string[],
): Promise<Result<string | undefined, Refusal>> {
  if (caller.kind === 'known') return ok(namespaceOf(caller.principal));
  if (!names.some(isBareName)) return ok(undefined);
  const found = await caller.bearer.findDefaultNamespace();
  if (found.ok) return found;
  return found.error === 'ambiguous' ? ok(undefined) : err(refusals[found.error]);
}

const identify = async (
  caller: Caller,
  pools: readonly ResolvedPool[],
): Promise<Result<readonly Principal[], IdentityFault>> =>
  caller.kind === 'known' ? ok([caller.principal]) : await caller.bearer.identify(pools.map(({ key }) => key));

interface Entry {
  readonly principal: Principal;
  readonly verdicts: readonly UseDecision[];
}

/** The first principal who may use all of the pools: what several issuers say of one token never adds up. */
async function findEntry(
  principals: readonly Principal[],
  pools: readonly ResolvedPool[],
  ports: DecisionPorts,
): Promise<Result<Entry, Refusal>> {
  let refusal: Refusal | undefined;
  for (const principal of principals) {
    const reading = [makeClient(principal, pools, ports), inParallel(pools, ({ key }) => ports.getPool(key))] as const;
    const [client, found] = await Promise.all(reading);
    const verdicts = await inParallel(pools, ({ key }, index) => {
      const getPool = () => Promise.resolve(found[index]);
      return judgeUse(key, client, { ...ports, getPool });
    });
    const refused = pools.filter((_, index) => verdicts[index]?.isPermitted !== true);
    if (refused.length === 0) return ok({ principal, verdicts });
    refusal ??= { ...forbid(refused), principal };
  }
  return err(refusal ?? forbid(pools));
}

interface Permitted {
  readonly pools: readonly ResolvedPool[];
  readonly verdicts: readonly UseDecision[];
  readonly issuedAtMs: number;
}

/** Whoever has several names by one token is revoked by any of them. */
function findRevoked(
  principals: readonly Principal[],
  { pools, verdicts, issuedAtMs }: Permitted,
): Refusal | undefined {
  const closedTo = ({ user }: Principal): readonly ResolvedPool[] =>
    pools.filter((_, index) =>
      isIssuanceRefused(verdicts[index]?.pool?.spec.access, { principal: user.username, issuedAtMs }),
    );
  const principal = principals.find((one) => closedTo(one).length > 0);
  return principal === undefined ? undefined : { ...forbid(closedTo(principal)), principal, reason: 'revoked' };
}

/** The labels of its namespace decide over pools of others alone. */
async function makeClient(principal: Principal, pools: readonly ResolvedPool[], ports: DecisionPorts): Promise<Client> {
  const namespace = namespaceOf(principal);
  if (namespace === undefined) return { principal };
  const isGuest = pools.some(({ key }) => key.namespace !== namespace);
  return { principal, origin: { namespace, labels: isGuest ? await ports.getNamespaceLabels(namespace) : undefined } };
}

async function issue(
  ports: DecisionPorts,
  {
    principal,
    pools,
    verdicts,
    issuedAtMs,
  }: Entry & { readonly pools: readonly ResolvedPool[]; readonly issuedAtMs: number },
  { ttlSeconds: asked, subjectKey }: CertificateRequest,
): Promise<Result<Decision, Refusal>> {
  const identities = pools.flatMap(({ key }, index) => makeIdentity(key, verdicts[index]?.pool));
  if (identities.length < pools.length) return err({ ...refuseAbsent(...findAbsent(pools, verdicts)), principal });
  const ttl = decideTtl(
    asked,
    verdicts.map(({ pool }) => pool?.spec.certificates),
  );
  if (!ttl.ok) return err({ ...refuseDuration(asked, ttl.error.maxSeconds), principal });
  const certificate = await ports.issue({
    principal: principal.user.username,
    trustDomain: trustDomainOf(principal),
    pools: identities,
    ttlSeconds: ttl.value,
    issuedAtMs,
    subjectKey,
  });
  if (!certificate.ok) return err({ ...foreignKey, principal });
  const reached = pools.map((pool, index) => ({
    ...pool,
    endpoint: endpointOf(pool.key, verdicts[index]?.pool?.spec ?? {}),
  }));
  return ok({ principal, pools: reached, identities, certificate: certificate.value });
}

/** Nothing is issued for a pool that is being deleted: what is issued for it would be worth nothing soon. */
const makeIdentity = (key: PoolKey, pool: UsablePool | undefined): readonly PoolIdentity[] =>
  pool === undefined || isLeaving(pool) ? [] : [{ ...key, uid: pool.metadata.uid }];

const isLeaving = ({ metadata }: UsablePool): boolean => metadata.deletionTimestamp !== undefined;

/** The pools that do not exist, and those that are being deleted. */
const findAbsent = (
  pools: readonly ResolvedPool[],
  verdicts: readonly UseDecision[],
): [missing: readonly ResolvedPool[], leaving: readonly ResolvedPool[]] => {
  const poolOf = (index: number) => verdicts[index]?.pool;
  return [
    pools.filter((_, index) => poolOf(index) === undefined),
    pools.filter((_, index) => {
      const pool = poolOf(index);
      return pool !== undefined && isLeaving(pool);
    }),
  ];
};

/** Results in the order of the items, a few at a time. */
async function inParallel<T, R>(items: readonly T[], ask: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += maxParallelPoolCalls) {
    const some = items.slice(start, start + maxParallelPoolCalls);
    results.push(...(await Promise.all(some.map((item, index) => ask(item, start + index)))));
  }
  return results;
}
