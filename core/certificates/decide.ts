/** From a parsed request to a certificate, or to the one reason why there is none. All pools or nothing. */
import { UNAUTHENTICATED_DETAIL, type FieldError, type ProblemCode } from '../../api/http/problem.ts';
import { maxParallelPoolCalls } from '../../api/limits/certificates.ts';
import type { Labels } from '../access/label-selector.ts';
import { isBarred } from '../access/revocation.ts';
import { judgeUse, type Client, type UsablePool, type UsePorts, type UseVerdict } from '../access/use.ts';
import type { Caller } from '../caller.ts';
import type { IssuedCertificate, IssueFault, IssueRequest } from './issued.ts';
import type { PoolIdentity } from './client-uris.ts';
import type { CertificateRequest } from './request.ts';
import { isBareName, resolvePools, type ResolvedPool } from './resolve.ts';
import { decideTtl } from './ttl.ts';
import { formatSeconds } from '../duration.ts';
import type { IdentityFault } from '../oidc/identify.ts';
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

export interface Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** For the audit log alone: what the caller is not told. */
  readonly reason?: 'revoked';
  /** Whom it was refused to, where that is known. */
  readonly principal?: Principal;
}

export interface Decision {
  readonly principal: Principal;
  readonly pools: readonly ResolvedPool[];
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
  if (!entry.ok) return err({ ...forbid(request.pools), ...entry.error });
  const barred = findBarred(principals.value, entry.value.verdicts, issuedAtMs);
  if (barred !== undefined) return err({ ...forbid(request.pools), principal: barred, reason: 'revoked' });
  return await issue(ports, { ...entry.value, pools, issuedAtMs }, request);
}

/** The namespace that bare names mean; undefined where they mean nothing or there are none. */
async function findDefaultNamespace(
  caller: Caller,
  names: readonly string[],
): Promise<Result<string | undefined, Refusal>> {
  if (caller.kind === 'known') return ok(namespaceOf(caller.principal));
  if (!names.some(isBareName)) return ok(undefined);
  const home = await caller.bearer.findHome();
  if (home.ok) return home;
  return home.error === 'ambiguous' ? ok(undefined) : err(refusals[home.error]);
}

const identify = async (
  caller: Caller,
  pools: readonly ResolvedPool[],
): Promise<Result<readonly Principal[], IdentityFault>> =>
  caller.kind === 'known' ? ok([caller.principal]) : await caller.bearer.identify(pools.map(({ key }) => key));

/** One answer to every token that is not good: it does not tell which issuers are known here. */
export const refusals: Readonly<Record<IdentityFault, Refusal>> = {
  unauthenticated: { code: 'unauthenticated', detail: UNAUTHENTICATED_DETAIL },
  unavailable: { code: 'unavailable', detail: 'an issuer that may vouch for the token cannot be asked; try again' },
};

interface Entry {
  readonly principal: Principal;
  readonly verdicts: readonly UseVerdict[];
}

/** The first principal who may use all of the pools: what several issuers say of one token never adds up. */
async function findEntry(
  principals: readonly Principal[],
  pools: readonly ResolvedPool[],
  ports: DecisionPorts,
): Promise<Result<Entry, { readonly principal?: Principal }>> {
  for (const principal of principals) {
    const client = await makeClient(principal, pools, ports);
    const verdicts = await inParallel(pools, async ({ key }) => await judgeUse(key, client, ports));
    if (verdicts.every(({ isPermitted }) => isPermitted)) return ok({ principal, verdicts });
  }
  const [first] = principals;
  return err(first === undefined ? {} : { principal: first });
}

/** Whoever has several names by one token is revoked by any of them. */
const findBarred = (
  principals: readonly Principal[],
  verdicts: readonly UseVerdict[],
  issuedAtMs: number,
): Principal | undefined =>
  principals.find(({ user }) =>
    verdicts.some(({ pool }) => isBarred(pool?.spec.access, { principal: user.username, issuedAtMs })),
  );

const refuseDuration = (asked: number | undefined, maxSeconds: number): Refusal => ({
  code: 'duration_too_long',
  detail: 'a pool that was asked for allows less',
  errors: [
    {
      field: 'duration',
      expected: `at most ${formatSeconds(maxSeconds)}`,
      got: asked === undefined ? 'nothing' : formatSeconds(asked),
    },
  ],
});

const foreignKey: Refusal = {
  code: 'invalid_request',
  detail: 'the request is not as it must be',
  errors: [{ field: 'csr', expected: 'a key of your own', got: 'that of the CA' }],
};

/** The labels of its namespace decide over pools of others alone. */
async function makeClient(principal: Principal, pools: readonly ResolvedPool[], ports: DecisionPorts): Promise<Client> {
  const namespace = namespaceOf(principal);
  if (namespace === undefined) return { principal };
  const isGuest = pools.some(({ key }) => key.namespace !== namespace);
  return { principal, home: { namespace, labels: isGuest ? await ports.getNamespaceLabels(namespace) : undefined } };
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
  if (identities.length < pools.length) {
    // Said openly: this caller has the right to use pools of these names, so it learns nothing of strangers' pools.
    const missing = pools.filter((_, index) => verdicts[index]?.pool === undefined);
    const names = quote(missing.flatMap((pool) => pool.names));
    return err({ code: 'pool_not_found', detail: `no such pool: ${names}`, principal });
  }
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
  return certificate.ok
    ? ok({ principal, pools, identities, certificate: certificate.value })
    : err({ ...foreignKey, principal });
}

const makeIdentity = (key: PoolKey, pool: UsablePool | undefined): readonly PoolIdentity[] =>
  pool === undefined ? [] : [{ ...key, uid: pool.metadata.uid }];

/** All that was asked for is named, so the answer does not tell which of them is forbidden, or which exists. */
const forbid = (asked: readonly string[]): Refusal => ({
  code: 'pool_forbidden',
  detail: `not permitted to use every one of these pools: ${quote([...new Set(asked)])}`,
});

const quote = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** Results in the order of the items, a few at a time. */
async function inParallel<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += maxParallelPoolCalls) {
    results.push(...(await Promise.all(items.slice(start, start + maxParallelPoolCalls).map(ask))));
  }
  return results;
}
