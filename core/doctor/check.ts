/** One thing that may be wrong with an installation, and how it is mended. No I/O. No clock. */
import type { CertificateFacts } from '../authority/show.ts';
import type { Answer, Observed, Release, Lookup } from './observed.ts';

export interface Facts extends Observed {
  /** Seconds since the epoch. */
  readonly now: number;
  readonly release: Release;
  /** How our API answered at its address; hidden where the caller named none. */
  readonly api: Lookup<Answer & { readonly url: string }>;
  /** Throws for what is no certificate. */
  readonly describe: (pem: string) => CertificateFacts;
  /** Both PEM. */
  readonly isSignedBy: (certificate: string, ca: string) => boolean;
}

export interface Found {
  /** `<Kind>/[<namespace>/]<name>`. */
  readonly where: string;
  readonly what: string;
}

export interface Check {
  /** What scripts compare: none changes its meaning. */
  readonly code: string;
  /** `error`: something does not work. `warning`: it works, and will not for ever or not for everybody. */
  readonly severity: 'error' | 'warning';
  readonly meaning: string;
  /** What to do, in Markdown. */
  readonly remedy: string;
  readonly find: (facts: Facts) => readonly Found[];
}

/** One finding, where something holds. */
export const when = (holds: boolean, where: string, what: string): readonly Found[] => (holds ? [{ where, what }] : []);
