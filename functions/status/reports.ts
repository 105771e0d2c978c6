/** `POST /status/reports`: who it is, what is reported, and then the status. */
import { retryAfterSeconds } from '../../api/limits/http.ts';
import { maxReportBodyBytes } from '../../api/limits/status.ts';
import type { Principal } from '../../core/principal.ts';
import { parseReport, readReporter, type ReceivedReport } from '../../core/status/report.ts';
import { isAnnouncedTooLarge, parseJson, readBearer, readBody } from '../request.ts';
import type { Recorded } from './record.ts';

export interface ReportPorts {
  /** Whose token it is, by the word of the apiserver; undefined when it is refused. Rejects when nobody can say now. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>;
  /** Rejects when it may be tried again. */
  readonly record: (received: ReceivedReport) => Promise<Recorded>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

/**
 * 204 when the report is counted, 400 malformed, 401 no token of a Pod before anything is read, 403 a Pod of no gateway of
 * that pool, 413 too large, 503 when it should be sent again. Never rejects.
 */
export const createReportHandler =
  (ports: ReportPorts): ((request: Request) => Promise<Response>) =>
  async (request) => {
    try {
      return await handle(ports, request);
    } catch (error) {
      ports.log.warn({ error: (error as Error).message }, 'report not counted');
      return new Response('try again', { status: 503, headers: { 'retry-after': String(retryAfterSeconds) } });
    }
  };

const tooLarge = (): Response => new Response(`body: expected <= ${maxReportBodyBytes} bytes`, { status: 413 });

async function handle({ authenticate, record }: ReportPorts, request: Request): Promise<Response> {
  if (isAnnouncedTooLarge(request, maxReportBodyBytes)) return tooLarge();
  const token = readBearer(request);
  const principal = token === undefined ? undefined : await authenticate(token);
  const reporter = principal === undefined ? undefined : readReporter(principal);
  if (reporter === undefined) {
    return new Response('expected a token of a Pod', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
  }
  const body = await readBody(request, maxReportBodyBytes);
  if (!body.ok) return tooLarge();
  const json = parseJson(body.value);
  const parsed = parseReport(json.ok ? json.value : undefined);
  if (!parsed.ok) {
    const lines = parsed.error.map(({ field, expected, got }) => `${field}: expected ${expected}, got ${got}`);
    return new Response(lines.join('\n'), { status: 400 });
  }
  const { pool, report } = parsed.value;
  const key = { namespace: reporter.namespace, name: pool };
  const recorded = await record({ key, reporter, report });
  return recorded === 'recorded'
    ? new Response(null, { status: 204 })
    : new Response('not a Pod of the gateway of this pool', { status: 403 });
}
