/** Events about an OIDC config whose status is written. No I/O. */
import type { OidcConfigStatus } from '../../api/status.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import { CONDITION_TYPES, OIDC_CONFIG_REASONS } from '../status/reasons.ts';
import { ACTIONS, hasNewReason, listChanges, type ObjectEvent } from './event.ts';

/** Reports each change of `Ready`, the first one too: who creates a config waits to hear that the issuer answered. */
export function makeOidcConfigEvents(
  { metadata, status: stored }: OidcConfig,
  status: OidcConfigStatus,
): readonly ObjectEvent[] {
  return listChanges(stored?.conditions, status.conditions)
    .filter((change) => change.after.type === CONDITION_TYPES.ready && hasNewReason(change))
    .map(({ after }) => ({
      kind: 'BuildKitOIDCConfig',
      metadata,
      type: after.status === 'True' || after.reason === OIDC_CONFIG_REASONS.disabled ? 'Normal' : 'Warning',
      reason: after.reason,
      action: ACTIONS.issuer,
      note: after.message,
    }));
}
