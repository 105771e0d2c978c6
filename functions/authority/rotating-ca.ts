/** A self-signed CA, its successor and its predecessor in one Secret: its keys are changed together or not at all. */
import { ROTATION_KEYS } from '../../api/names.ts';
import type { CaStep } from '../../core/authority/rotation.ts';
import { formatTime, parseTime } from '../../core/authority/status.ts';
import { readPair, toData, type Pair, type StoredSecret } from './ports.ts';

export interface RotatingCa {
  readonly current: Pair;
  readonly next: Pair | undefined;
  readonly previous:
    | {
        /** PEM. */
        readonly certificate: string;
        /** Seconds since the epoch: when the last certificate below it has ended, where that is known. */
        readonly end: number | undefined;
      }
    | undefined;
}

/** Throws when the Secret holds something else. */
export function readRotatingCa(secret: StoredSecret): RotatingCa {
  const { nextCertificate, nextKey, previousCertificate, previousEnd } = ROTATION_KEYS;
  const { [nextCertificate]: certificate, [nextKey]: key, [previousCertificate]: previous } = secret.data;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new Error('expected next.crt and next.key, or neither');
  }
  const endText = secret.data[previousEnd];
  const end = parseTime(endText);
  if (endText !== undefined && end === undefined) throw new Error('previous.end: expected a time, got something else');
  return {
    current: readPair(secret),
    next: certificate === undefined || key === undefined ? undefined : { certificate, key },
    previous: previous === undefined ? undefined : { certificate: previous, end },
  };
}

/** For a change: null removes what is no more. */
export const toRotatingData = ({ current, next, previous }: RotatingCa): Readonly<Record<string, string | null>> => ({
  ...toData(current),
  [ROTATION_KEYS.nextCertificate]: next?.certificate ?? null,
  [ROTATION_KEYS.nextKey]: next?.key ?? null,
  [ROTATION_KEYS.previousCertificate]: previous?.certificate ?? null,
  [ROTATION_KEYS.previousEnd]: previous?.end === undefined ? null : formatTime(previous.end),
});

/** `end` is when the last certificate below the CA that is promoted away has ended, where that is known. */
export function advance(
  { current, next, previous }: RotatingCa,
  step: CaStep,
  { make, end }: { readonly make: () => Pair; readonly end: number | undefined },
): RotatingCa {
  switch (step) {
    case 'none':
      return { current, next, previous };
    case 'prepare':
      return { current, next: next ?? make(), previous: undefined };
    case 'promote':
      if (next === undefined) throw new Error('expected a CA to promote, got none');
      return { current: next, next: undefined, previous: { certificate: current.certificate, end } };
    case 'retire':
      return { current, next: undefined, previous: undefined };
  }
}

/** Those to trust, in the order of their life; PEM. */
export const trustedOf = ({ previous, current, next }: RotatingCa): string[] =>
  [previous?.certificate, current.certificate, next?.certificate].filter((pem) => pem !== undefined);
