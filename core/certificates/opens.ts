/** Which pools a certificate opens, asked by a gateway once TLS has verified whom it is from. No I/O. */
import { formatPoolUri, type PoolIdentity } from './profile.ts';

/**
 * Whether one of these URI SANs names just this pool of this cluster: the same namespace, name and UID, byte for byte. A
 * pool that was made anew under its old name is another.
 */
export const opensPool = (uris: readonly string[], clusterFqdn: string, pool: PoolIdentity): boolean =>
  uris.includes(formatPoolUri(clusterFqdn, pool));
