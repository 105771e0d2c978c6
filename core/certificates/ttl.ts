/** How long a certificate lives: what is asked for, within what every pool it names allows. No I/O. */
import { defaultCertificateTtlSeconds, maxCertificateTtlSeconds } from '../../api/limits/certificates.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { nanosecondsPerSecond, parseDuration } from '../duration.ts';
import { err, ok, type Result } from '../result.ts';

type Certificates = Pool['spec']['certificates'];

/**
 * Seconds. Nothing asked for: the smallest `ttl` of the pools, within the smallest `maxTTL`. What is asked for is given or
 * refused: a build whose certificate ended before its time would fail later, and say less.
 */
export function decideTtl(
  asked: number | undefined,
  pools: readonly Certificates[],
): Result<number, { readonly maxSeconds: number }> {
  const clients = pools.map((certificates) => certificates?.client);
  const maxSeconds = Math.min(...clients.map((client) => toSeconds(client?.maxTTL) ?? maxCertificateTtlSeconds));
  const usual = Math.min(...clients.map((client) => toSeconds(client?.ttl) ?? defaultCertificateTtlSeconds));
  const ttl = asked ?? Math.min(usual, maxSeconds);
  return ttl > 0 && ttl <= maxSeconds ? ok(ttl) : err({ maxSeconds });
}

/** Of a duration as the schema lets it in; what is beyond our own limit says no more than that. */
function toSeconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const parsed = parseDuration(duration);
  const limit = BigInt(maxCertificateTtlSeconds);
  const seconds = parsed.ok ? parsed.value / nanosecondsPerSecond : limit;
  return Number(seconds < limit ? seconds : limit);
}
