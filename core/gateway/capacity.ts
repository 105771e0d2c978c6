/** How many connections fit. No I/O. */
import {
  defaultMaxConnections,
  gatewayBaseBytes,
  handshakeBytes,
  maxConnectionBytes,
  maxHandshakes,
} from '../../api/limits/gateway.ts';

/** At its limit with every client refusing to read, the gateway stays within its memory. Undefined: no limit is set. */
export function decideMaxConnections(memoryLimitBytes: number | undefined): number {
  if (memoryLimitBytes === undefined) return defaultMaxConnections;
  const left = memoryLimitBytes - gatewayBaseBytes - maxHandshakes * handshakeBytes;
  return Math.max(1, Math.min(defaultMaxConnections, Math.floor(left / maxConnectionBytes)));
}
