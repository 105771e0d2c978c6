/** What the authority tells of a CA that is replaced, and of what is renewed below it. No I/O. No clock. */
import type { ReportedCertificate } from '../../api/ca-status.ts';
import { halfOf, type Validity } from './rotation.ts';

export interface ReportedCa {
  readonly name: ReportedCertificate['name'];
  readonly current: Validity & { readonly certificate: string };
  /** `promotedFrom` in seconds since the epoch; undefined while not everybody was told to trust it. */
  readonly next: { readonly certificate: string; readonly promotedFrom: number | undefined } | undefined;
  readonly previous: { readonly certificate: string; readonly retiredFrom: number | undefined } | undefined;
}

/** In the order of their life. */
export function reportCa({ name, current, next, previous }: ReportedCa): ReportedCertificate[] {
  const isResting = next === undefined && previous === undefined;
  return [
    ...(previous === undefined
      ? []
      : [
          {
            name,
            role: 'previous',
            certificate: previous.certificate,
            ...due('retire', previous.retiredFrom),
          } as const,
        ]),
    {
      name,
      role: 'current',
      certificate: current.certificate,
      ...due('replace', isResting ? halfOf(current) : undefined),
    },
    ...(next === undefined
      ? []
      : [{ name, role: 'next', certificate: next.certificate, ...due('promote', next.promotedFrom) } as const]),
  ];
}

export const reportRenewed = (
  name: ReportedCertificate['name'],
  found: Validity & { readonly certificate: string },
): ReportedCertificate => ({ name, role: 'current', certificate: found.certificate, ...due('renew', halfOf(found)) });

type Action = NonNullable<ReportedCertificate['next']>['action'];

const due = (action: Action, seconds: number | undefined): Pick<ReportedCertificate, 'next'> =>
  seconds === undefined ? {} : { next: { action, notBefore: formatTime(seconds) } };

/** Seconds since the epoch as RFC 3339, whole seconds. */
export const formatTime = (seconds: number): string =>
  new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');

/** Seconds since the epoch; undefined for what is no time. */
export function parseTime(text: string | undefined): number | undefined {
  const milliseconds = Date.parse(text ?? '');
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}
