/** From a parsed request to a certificate, or to the one reason why there is none. All pools or nothing. */
import type { FieldError, ProblemCode } from '../../api/http/problem.ts';
import { maxParallelPoolCalls } from '../../api/limits.ts';
import type { UserInfo } from '../../api/review.ts';
import type { Labels } from '../../core/access/label-selector.ts';
import { isBarred } from '../../core/access/revocation.ts';
import { judgeUse, type Client, type UsablePool, type UsePorts } from '../../core/access/use.ts';
import type { IssuedCertificate, IssueFault, IssueRequest } from '../../core/certificates/issued.ts';
import type { PoolIdentity } from '../../core/certificates/profile.ts';
import type { CertificateRequest } from '../../core/certificates/request.ts';
import { resolvePools, type ResolvedPool } from '../../core/certificates/resolve.ts';
import { decideTtl } from '../../core/certificates/ttl.ts';
import { formatSeconds } from '../../core/duration.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { namespaceOf } from '../../core/tokens/service-account.ts';

/** Each port throws when the part behind it can't answer. */
export interface DecisionPorts extends UsePorts {
  /** Undefined where there is no such namespace. */
  readonly getNamespaceLabels: (namespace: string) => Promise<Labels | undefined>;
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
}

export interface Decision {
  readonly pools: readonly ResolvedPool[];
  readonly identities: readonly PoolIdentity[];
  readonly certificate: IssuedCertificate;
}

export async function decide(
  ports: DecisionPorts,
  user: UserInfo,
  request: CertificateRequest,
): Promise<Result<Decision, Refusal>> {
  const resolved = resolvePools(request.pools, namespaceOf(user));
  if (!resolved.ok)
    return err({ code: 'invalid_request', detail: 'a pool needs its namespace', errors: resolved.error });
  const pools = resolved.value;

  const client = await makeClient(user, pools, ports);
  const verdicts = await inParallel(pools, async ({ key }) => await judgeUse(key, client, ports));
  if (verdicts.some(({ isPermitted }) => !isPermitted)) return err(forbid(request.pools));

  const identities = pools.flatMap(({ key }, index) => identify(key, verdicts[index]?.pool));
  if (identities.length < pools.length) {
    // Said openly: this caller has the right to use pools of these names, so it learns nothing of strangers' pools.
    const missing = pools.filter((_, index) => verdicts[index]?.pool === undefined);
    return err({ code: 'pool_not_found', detail: `no such pool: ${quote(missing.flatMap(({ names }) => names))}` });
  }
  const holder = { principal: user.username, issuedAtMs: ports.now() };
  const specs = verdicts.flatMap(({ pool }) => (pool === undefined ? [] : [pool.spec]));
  if (specs.some(({ access }) => isBarred(access, holder))) return err({ ...forbid(request.pools), reason: 'revoked' });

  const ttl = decideTtl(
    request.ttlSeconds,
    specs.map(({ certificates }) => certificates),
  );
  if (!ttl.ok) return err(refuseDuration(request, ttl.error.maxSeconds));
  const { subjectKey } = request;
  const issued = await ports.issue({
    principal: holder.principal,
    pools: identities,
    ttlSeconds: ttl.value,
    subjectKey,
  });
  return issued.ok ? ok({ pools, identities, certificate: issued.value }) : err(foreignKey);
}

const refuseDuration = ({ ttlSeconds }: CertificateRequest, maxSeconds: number): Refusal => ({
  code: 'duration_too_long',
  detail: 'a pool that was asked for allows less',
  errors: [
    {
      field: 'duration',
      expected: `at most ${formatSeconds(maxSeconds)}`,
      got: ttlSeconds === undefined ? 'nothing' : formatSeconds(ttlSeconds),
    },
  ],
});

const foreignKey: Refusal = {
  code: 'invalid_request',
  detail: 'the request is not as it must be',
  errors: [{ field: 'csr', expected: 'a key of your own', got: 'that of the CA' }],
};

/** The labels of its namespace decide over pools of others alone. */
async function makeClient(user: UserInfo, pools: readonly ResolvedPool[], ports: DecisionPorts): Promise<Client> {
  const namespace = namespaceOf(user);
  if (namespace === undefined) return { user };
  const isGuest = pools.some(({ key }) => key.namespace !== namespace);
  return { user, home: { namespace, labels: isGuest ? await ports.getNamespaceLabels(namespace) : undefined } };
}

const identify = (key: PoolKey, pool: UsablePool | undefined): readonly PoolIdentity[] =>
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
