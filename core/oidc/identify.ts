/**
 * Who holds a token of an OIDC issuer: search wide, trust narrow.
 *
 * A pipeline: parse, times, issuers that it may be of, signature by the keys of each, claims by the terms of each. A
 * token that no issuer can be meant by costs no network traffic.
 */
import { maxClockSkewSeconds, maxVerifications } from '../../api/limits/tokens.ts';
import type { JsonObject } from '../json.ts';
import type { PoolKey } from '../pool-reference.ts';
import { formatOidcName, type Principal, type Vouched } from '../principal.ts';
import { err, ok, type Result } from '../result.ts';
import type { ParsedToken } from '../tokens/parse.ts';
import type { Directory } from './directory.ts';
import { evaluateClaims } from './evaluate.ts';
import { isTrusted } from './trust.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

/** `unknown`: its keys cannot be had now. */
export type SignatureCheck = 'good' | 'bad' | 'unknown';

export interface IdentifyPorts {
  /** Not older than `issuerMemoryMs`. Throws when it can't be had. */
  readonly readDirectory: () => Promise<Directory>;
  /** By the issuer's own keys. Throws never: what cannot be fetched is `unknown` or, for good, `bad`. */
  readonly verifySignature: (token: ParsedToken, issuer: TrustedIssuer) => Promise<SignatureCheck>;
  /** `sha256:...` of a text. */
  readonly hash: (text: string) => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Somebody whose token may be of an issuer that counts; who it is depends on which pools it is for. */
export interface Bearer {
  /** The default namespace of a pool name: that of the one config that verifies the token. */
  readonly findDefaultNamespace: () => Promise<Result<string, IdentityFault | 'ambiguous'>>;
  /**
   * As the issuers see it that all of the pools trust; where none of them does, as others see it, whose word no pool
   * takes.
   */
  readonly identify: (pools: readonly PoolKey[]) => Promise<Result<readonly Principal[], IdentityFault>>;
}

/** `unauthenticated`: no issuer that counts vouches for it. `unavailable`: one that might cannot be asked now. */
export type IdentityFault = 'unauthenticated' | 'unavailable';

/** Undefined for a token that no issuer can be meant by. */
export async function openBearer(token: ParsedToken, ports: IdentifyPorts): Promise<Bearer | undefined> {
  if (!isTimely(token.claims, ports.now())) return undefined;
  const directory = await ports.readDirectory();
  const addressed = directory.findAddressed(token.claims);
  if (addressed.length === 0) return undefined;
  return {
    findDefaultNamespace: () => findDefaultNamespace(token, addressed, ports),
    identify: (pools) => {
      const [trusted, others] = partition(addressed, (issuer) => directory.isTrustedBy(pools, issuer));
      return identify(token, pools, { trusted, others }, ports);
    },
  };
}

/**
 * Whether a token counts now (RFC 7519, 4.1.4 to 4.1.6). `exp` is required, `nbf` and `iat` are optional; each is a number
 * of seconds since the epoch.
 */
function isTimely({ exp, nbf, iat }: JsonObject, nowMs: number): boolean {
  const nowSeconds = nowMs / 1000;
  const hasBegun = (time: unknown): boolean =>
    time === undefined || (isTime(time) && time <= nowSeconds + maxClockSkewSeconds);
  return isTime(exp) && exp > nowSeconds - maxClockSkewSeconds && hasBegun(nbf) && hasBegun(iat);
}

/** JSON can say 1e400, which is read as Infinity. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Only configs that verify the token count: an issuer that a pool names inline has no default namespace. */
async function findDefaultNamespace(
  token: ParsedToken,
  addressed: readonly TrustedIssuer[],
  ports: IdentifyPorts,
): Promise<Result<string, IdentityFault | 'ambiguous'>> {
  const found = await verifyAll(token, addressed.slice(0, maxVerifications), ports);
  const configs = found.vouched.flatMap(({ by }) => (by.kind === 'config' ? [by] : []));
  const [only, ...more] = configs;
  // With more configs than are tried, nobody can say that there is only one.
  const isAlone = more.length === 0 && addressed.length <= maxVerifications;
  if (only !== undefined && !isAlone) return err('ambiguous');
  // Nor while one of them cannot be asked: the name would mean a namespace of whoever can.
  if (!found.isComplete) return err('unavailable');
  if (only !== undefined) return ok(only.namespace);
  return err(found.vouched.length > 0 ? 'ambiguous' : 'unauthenticated');
}

async function identify(
  token: ParsedToken,
  pools: readonly PoolKey[],
  { trusted, others }: { readonly trusted: readonly TrustedIssuer[]; readonly others: readonly TrustedIssuer[] },
  ports: IdentifyPorts,
): Promise<Result<readonly Principal[], IdentityFault>> {
  const toPrincipals = (all: readonly Vouched[]) => all.map((vouched) => makePrincipal(token, vouched, ports));
  const verifySome = (issuers: readonly TrustedIssuer[]) => verifyAll(token, issuers.slice(0, maxVerifications), ports);
  // A pool that trusts others is looked at by the issuers that one which is not there would trust: who may use neither
  // is answered alike, after as many calls.
  const [usual, strange] = partition(others, ({ by }) => pools.every((key) => isTrusted(key, undefined, by)));
  for (const issuers of [trusted, usual]) {
    const found = await verifySome(issuers);
    // Whoever has several names is revoked by any of them: each must be known before one is good.
    if (!found.isComplete) return err('unavailable');
    if (found.vouched.length > 0) return ok(toPrincipals(found.vouched));
  }
  // One name is enough for who is refused by all of them.
  const elsewhere = await verifySome(strange);
  if (elsewhere.vouched.length > 0) return ok(toPrincipals(elsewhere.vouched.slice(0, 1)));
  return err(elsewhere.isComplete ? 'unauthenticated' : 'unavailable');
}

interface Found {
  readonly vouched: readonly Vouched[];
  /** Whether every issuer could be asked. */
  readonly isComplete: boolean;
}

async function verifyAll(
  token: ParsedToken,
  issuers: readonly TrustedIssuer[],
  { verifySignature }: IdentifyPorts,
): Promise<Found> {
  const verdicts = await Promise.all(
    issuers.map(async (issuer) => {
      // What it says costs less to look at than who says so.
      const vouched = evaluateClaims(token.claims, issuer);
      return vouched === undefined ? undefined : { vouched, verdict: await verifySignature(token, issuer) };
    }),
  );
  const asked = verdicts.filter((one) => one !== undefined);
  return {
    vouched: asked.flatMap(({ vouched, verdict }) => (verdict === 'good' ? [vouched] : [])),
    isComplete: asked.every(({ verdict }) => verdict !== 'unknown'),
  };
}

function makePrincipal({ claims }: ParsedToken, vouched: Vouched, { hash }: IdentifyPorts): Principal {
  const { jti } = claims;
  return {
    // No groups: who names the issuer would choose them.
    user: { username: formatOidcName(vouched.by, vouched.value) },
    vouched,
    ...(typeof jti === 'string' && jti !== '' ? { tokenId: hash(jti) } : {}),
  };
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const first: T[] = [];
  const second: T[] = [];
  for (const item of items) (isFirst(item) ? first : second).push(item);
  return [first, second];
}
