/** Why there is no certificate, and how much of that the caller may know. No I/O. */
import { UNAUTHENTICATED_DETAIL, type FieldError, type ProblemCode } from '../../api/http/problem.ts';
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import type { TokenRefusal } from '../caller.ts';
import { formatSeconds } from '../duration.ts';
import type { IdentityFault } from '../oidc/identify.ts';
import type { Principal } from '../principal.ts';
import type { ResolvedPool } from './resolve.ts';

export interface Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** For the audit log alone: what the caller is not told. */
  readonly reason?: 'revoked';
  /** Whom it was refused to, where that is known. */
  readonly principal?: Principal;
}

/** One answer to every token that is not good: it does not tell which issuers are known here. */
export const refusals: Readonly<Record<IdentityFault, Refusal>> = {
  unauthenticated: { code: 'unauthenticated', detail: UNAUTHENTICATED_DETAIL },
  unavailable: { code: 'unavailable', detail: 'an issuer that may vouch for the token cannot be asked; try again' },
};

/** What is wrong with a token, as far as that tells nothing of others: see `TokenRefusal`. */
export const refuseToken = (refusal: TokenRefusal | 'none'): Refusal => ({
  code: 'unauthenticated',
  detail: tokenDetails[refusal],
});

const tokenDetails: Readonly<Record<TokenRefusal | 'none', string>> = {
  none: `${UNAUTHENTICATED_DETAIL}; got no token`,
  expired: 'expected a token that is still valid; this one has ended',
  other_audience: `expected a token for the audience ${TOKEN_AUDIENCE}; this one is for another`,
  refused: UNAUTHENTICATED_DETAIL,
};

export const refuseDuration = (asked: number | undefined, maxSeconds: number): Refusal => ({
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

export const foreignKey: Refusal = {
  code: 'invalid_request',
  detail: 'the request is not as it must be',
  errors: [{ field: 'csr', expected: 'a key of your own', got: 'that of the CA' }],
};

/** Names those alone: the caller would hear the same of each by itself, and nothing of which of them exist. */
export const forbid = (pools: readonly ResolvedPool[]): Refusal => ({
  code: 'pool_forbidden',
  detail: `not permitted to use these pools: ${quote(pools)}`,
});

/** Said openly: this caller has the right to use pools of these names, so it learns nothing of strangers' pools. */
export const refuseAbsent = (missing: readonly ResolvedPool[], leaving: readonly ResolvedPool[]): Refusal => ({
  code: 'pool_not_found',
  detail: [
    ...(missing.length === 0 ? [] : [`no such pool: ${quote(missing)}`]),
    ...(leaving.length === 0 ? [] : [`being deleted: ${quote(leaving)}`]),
  ].join('; '),
});

const quote = (pools: readonly ResolvedPool[]): string =>
  pools.flatMap(({ names }) => names.map((name) => JSON.stringify(name))).join(', ');
