/** What must exist before anything else runs: key pairs, made once, and replaced with overlap. */
import { prepareApi } from './api.ts';
import { expectThere, prepareHierarchy } from './hierarchy.ts';
import type { AuthorityPorts } from './ports.ts';
import { publishStatus, reportHierarchy } from './report.ts';
import { prepareWebhooks } from './webhooks.ts';

/**
 * Safe to run again at any time. A Secret that is there is used, replaced when its time has come, or is an error:
 * a new CA ends every certificate of the old one, so that is never the answer to a failed read. All is read and judged
 * before anything is written.
 */
export async function ensureAuthority(ports: AuthorityPorts, webhookNames: readonly string[]): Promise<void> {
  const ensureHierarchy = await prepareHierarchy(ports);
  const ensureWebhooks = await prepareWebhooks(ports, webhookNames);
  const ensureApi = await prepareApi(ports);
  const hierarchy = await ensureHierarchy();
  const webhooks = await ensureWebhooks();
  const api = await ensureApi(hierarchy);
  await publishStatus(ports, expectThere(hierarchy.trust), [...reportHierarchy(ports, hierarchy), ...api, ...webhooks]);
}
