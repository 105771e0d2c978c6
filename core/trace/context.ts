/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context-1/): which trace a request belongs to, and how the next hop is
 * told. What is not exactly as the recommendation says is ignored. No I/O. No randomness.
 */
import { maxTracestateLength, maxTracestateMembers } from '../../api/limits/observability.ts';

export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 of them: what the sender calls its part of the trace. */
  readonly parentId: string;
  /** Whether the sender records the trace. */
  readonly isSampled: boolean;
  /** What vendors add, as it came. */
  readonly state?: string;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledBit = 1;

/** Undefined where there is no valid `traceparent`; a bad `tracestate` leaves the rest as it is. */
export function parseTraceContext(traceparent: string, tracestate = ''): TraceContext | undefined {
  const [, version = '', traceId = '', parentId = '', flags = '', more = ''] = form.exec(traceparent) ?? [];
  if (version === '' || version === 'ff') return undefined;
  // Later versions may say more, and mean the same by what this one says.
  if (version === '00' && more !== '') return undefined;
  if (isZero(traceId) || isZero(parentId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & sampledBit) === sampledBit;
  return { traceId, parentId, isSampled, ...(isTracestate(tracestate) ? { state: tracestate } : {}) };
}

const isZero = (id: string): boolean => /^0*$/.test(id);

/** In version 00, with the one flag that it knows. */
export const formatTraceparent = ({ traceId, parentId, isSampled }: TraceContext): string =>
  `00-${traceId}-${parentId}-${isSampled ? '01' : '00'}`;

const simpleKey = '[a-z][a-z0-9_*/-]{0,255}';
const tenantKey = '[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}';
// Printable ASCII without comma and equals sign; the last is no blank.
const value = '[ -+\\--<>-~]{0,255}[!-+\\--<>-~]';
const member = new RegExp(`^(${simpleKey}|${tenantKey})=${value}$`);

/** Members may be empty; no key may come twice. */
function isTracestate(text: string): boolean {
  if (text === '' || text.length > maxTracestateLength) return false;
  const members = text.split(',').map((one) => one.replace(/^[ \t]+|[ \t]+$/g, ''));
  const keys = members.filter((one) => one !== '').map((one) => member.exec(one)?.[1]);
  return (
    keys.length > 0 &&
    keys.length <= maxTracestateMembers &&
    !keys.includes(undefined) &&
    new Set(keys).size === keys.length
  );
}
