/**
 * `auth.methods` of v1alpha1 mixes OIDC issuers with other ways to authenticate; v1beta1 has the issuers alone, in
 * `access.oidc.inline`, before those that v1alpha1 lists there itself. No I/O.
 *
 * The rest of the list is carried as a frame, one entry for each method: an issuer's is the object without `type` and
 * `oidc`; any other method is a list of that one method. An empty list says that `access.oidc.inline` was there and
 * empty.
 */
import { isJsonObject, type JsonObject } from '../json.ts';
import { get, put, type Moved } from './move.ts';

export const methodsPath = ['auth', 'methods'];
const inlinePath = ['access', 'oidc', 'inline'];

const isIssuer = (method: unknown): method is JsonObject =>
  isJsonObject(method) && method['type'] === 'oidc' && method['oidc'] !== undefined;

/** Moves the issuers of `rest.auth.methods` to the front of `spec.access.oidc.inline`. */
export function takeIssuers({ spec, rest }: Moved): void {
  const methods = get(rest, methodsPath);
  if (!Array.isArray(methods)) return;
  const inline = get(spec, inlinePath);
  const hasRoom = inline === undefined || Array.isArray(inline);
  const issuers = hasRoom ? methods.filter(isIssuer) : [];
  const isNowFilled = issuers.length > 0 && Array.isArray(inline) && inline.length === 0;
  const frame = methods.map((method: unknown) => (hasRoom && isIssuer(method) ? frameOf(method) : [method]));
  // A copy: what has no place at all is still part of the object that is converted.
  rest['auth'] = { ...(rest['auth'] as JsonObject), methods: isNowFilled ? [...frame, []] : frame };
  if (issuers.length === 0) return;
  put(spec, inlinePath, [...issuers.map(({ oidc }) => oidc), ...(Array.isArray(inline) ? (inline as unknown[]) : [])]);
}

const frameOf = ({ type: _type, oidc: _oidc, ...others }: JsonObject): JsonObject => others;

/** The methods as the carried frame and the issuers of `spec` say, and the spec with the issuers that are left. */
export function giveIssuersBack(
  spec: JsonObject,
  carried: JsonObject | undefined,
): { spec: JsonObject; methods: readonly unknown[] | undefined } {
  const frame: unknown = get(carried, methodsPath);
  if (!Array.isArray(frame)) return { spec, methods: undefined };
  const inline = get(spec, inlinePath);
  const issuers: readonly unknown[] = Array.isArray(inline) ? inline : [];
  let taken = 0;
  const methods = frame.flatMap((entry: unknown): unknown[] => {
    // An issuer that v1beta1 does not have counts nowhere.
    if (Array.isArray(entry)) return entry.length === 1 && !(isIssuer(entry[0]) && isListOrAbsent(inline)) ? entry : [];
    if (!isJsonObject(entry) || taken === issuers.length) return [];
    return [{ ...entry, type: 'oidc', oidc: issuers[taken++] }];
  });
  if (taken === 0) return { spec, methods };
  const left = issuers.slice(taken);
  const wasThere = frame.some((entry) => Array.isArray(entry) && entry.length === 0);
  return { spec: withInline(spec, left.length > 0 || wasThere ? left : undefined), methods };
}

const isListOrAbsent = (inline: unknown): boolean => inline === undefined || Array.isArray(inline);

function withInline(spec: JsonObject, inline: readonly unknown[] | undefined): JsonObject {
  const access = spec['access'] as JsonObject;
  return { ...spec, access: { ...access, oidc: { ...(access['oidc'] as JsonObject), inline } } };
}
