/** Whether a webhook can do its work: be taken for ours by the apiserver, and ask it. No clock. */
import { err, ok, type Result } from './result.ts';

export interface Serving {
  /** Of the certificate that is served; milliseconds since the epoch, as `now`. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isReachable: boolean;
  readonly now: number;
}

/** The error names what is missing. */
export function checkReady({ notBefore, notAfter, isReachable, now }: Serving): Result<void, string> {
  if (now < notBefore) return err('certificate: expected one that is valid now, got one that has not begun');
  if (now >= notAfter) return err('certificate: expected one that is valid now, got one that has ended');
  return isReachable ? ok(undefined) : err('apiserver: expected an answer, got none that takes our token');
}
