/** Brings the status of OIDC configs up to date: list, judge, ask the issuers that count, apply. */
import { maxParallelFetchesPerNamespace } from '../../api/limits/issuers.ts';
import { maxParallelRecomputes } from '../../api/limits/status.ts';
import type { OidcConfigStatus } from '../../api/status.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Verdict } from '../../core/conditions.ts';
import type { FetchFault } from '../../core/oidc/fetch-fault.ts';
import {
  findOriginals,
  makeConfigIssuer,
  type IssuerPolicy,
  type TrustedIssuer,
} from '../../core/oidc/trusted-issuer.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import type { ApplyResult } from '../../core/status/observed.ts';
import { judgeConfig, judgeKeys, planConfigStatus } from '../../core/status/oidc-config.ts';

export interface RecomputeConfigsPorts {
  /** Those of a namespace, or all. */
  readonly listConfigs: (namespace: string | undefined) => Promise<readonly OidcConfig[]>;
  /** Why the keys of the issuer can't be had; undefined where they can. */
  readonly findFault: (issuer: TrustedIssuer) => Promise<FetchFault | undefined>;
  readonly apply: (config: OidcConfig, status: OidcConfigStatus) => Promise<ApplyResult>;
  readonly policy: IssuerPolicy;
  readonly now: () => Date;
}

/** Resolves when each status is true. @throws when one could not be written: another event or the next resync will. */
export const createRecomputeConfigs =
  (ports: RecomputeConfigsPorts) =>
  async (namespace: string | undefined): Promise<void> => {
    const configs = await ports.listConfigs(namespace);
    const originals = findOriginals(configs);
    const failures: string[] = [];
    const update = async (config: OidcConfig): Promise<void> => {
      try {
        await recompute(config, originals, ports);
      } catch (error) {
        failures.push((error as Error).message);
      }
    };
    // A namespace whose issuers are slow holds back itself alone.
    const groups = [...Map.groupBy(configs, ({ metadata }) => metadata.namespace).values()];
    await forEachAtOnce(groups, maxParallelRecomputes, (group) =>
      forEachAtOnce(group, maxParallelFetchesPerNamespace, update),
    );
    const [first] = failures;
    if (first !== undefined) throw new Error(`OIDC configs that failed: ${failures.length}; the first: ${first}`);
  };

async function recompute(
  config: OidcConfig,
  originals: ReadonlyMap<string, OidcConfig>,
  ports: RecomputeConfigsPorts,
): Promise<void> {
  const verdict = judgeConfig(config, originals, ports.policy) ?? (await ask(config, ports));
  const planned = planConfigStatus(config, verdict, ports.now());
  if (planned === 'unchanged') return;
  // Who wrote it meanwhile sent an event, which looks again.
  if ((await ports.apply(config, planned)) === 'stale') throw new Error('the config changed meanwhile');
}

async function ask(config: OidcConfig, { findFault, policy }: RecomputeConfigsPorts): Promise<Verdict> {
  const fault = await findFault(makeConfigIssuer(config, policy));
  if (fault === 'busy') throw new Error('too many issuers are being asked');
  return judgeKeys(fault);
}
