/** What is wrong with an installation: the list of checks is its specification. No I/O. No clock. */
import { certificateChecks } from './certificates.ts';
import type { Check, Facts, Found } from './check.ts';
import { definitionChecks } from './definitions.ts';
import { eventChecks } from './events.ts';
import { installationChecks } from './installation.ts';
import { objectChecks } from './objects.ts';
import { webhookChecks } from './webhooks.ts';
import { workloadChecks } from './workloads.ts';

/** What the others stand on comes first. */
export const CHECKS: readonly Check[] = [
  ...installationChecks,
  ...definitionChecks,
  ...certificateChecks,
  ...webhookChecks,
  ...workloadChecks,
  ...eventChecks,
  ...objectChecks,
];

export interface Finding extends Found, Pick<Check, 'code' | 'severity' | 'remedy'> {}

/** In the order of the checks; empty where all is well. */
export const diagnose = (facts: Facts): readonly Finding[] =>
  CHECKS.flatMap(({ code, severity, remedy, find }) =>
    find(facts).map((found) => ({ code, severity, ...found, remedy })),
  );
