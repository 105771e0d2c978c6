/** What admission reads of a review, whichever of our kinds it is about. No I/O. */
import type { AdmissionRequest } from '../../api/http/admission-review.ts';
import { GROUP, KINDS, OLD_VERSION, STORAGE_VERSION, type Version } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import { err, ok, type Result } from '../result.ts';
import { isJsonObject, member, type JsonObject } from '../json.ts';
import { makeRequester } from './requester.ts';

export type Kind = (typeof KINDS)[keyof typeof KINDS]['kind'];

export interface ObjectRequest {
  readonly uid: string;
  readonly kind: Kind;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly namespace: string;
  /** `generateName` where the name is still to be generated. */
  readonly name: string;
  /** Whoever sent the request. */
  readonly caller: UserInfo;
  /** The version it was sent in: findings are about its fields. */
  readonly version: Version;
  /** Undefined is what is absent or no object. */
  readonly spec: JsonObject | undefined;
  readonly oldSpec: JsonObject | undefined;
}

const kinds = Object.values(KINDS);

/** Only pools can be deleted before our eyes: nothing else is told to whoever deletes. */
const operations: Readonly<Record<Kind, readonly ObjectRequest['operation'][]>> = {
  BuildKitPool: ['CREATE', 'UPDATE', 'DELETE'],
  BuildKitWorker: ['CREATE', 'UPDATE'],
  BuildKitOIDCConfig: ['CREATE', 'UPDATE'],
};

/** Closed: what is not a write of one of our kinds in our version is an error, which says what was expected. */
export function toObjectRequest(request: AdmissionRequest): Result<ObjectRequest, string> {
  const { resource, subResource = '', namespace = '', requestKind } = request;
  const names = kinds.find(({ kind }) => kind === request.kind.kind);
  const got = `${request.kind.group}/${request.kind.version} ${request.kind.kind}`;
  if (names === undefined || got !== `${GROUP}/${STORAGE_VERSION} ${names.kind}`) {
    const expected = joinWords(names === undefined ? kinds.map(({ kind }) => kind) : [names.kind]);
    return err(`request.kind: expected ${GROUP}/${STORAGE_VERSION} ${expected}, got ${got}`);
  }
  const gotPlural = `${resource.group}/${resource.version} ${resource.resource}`;
  const expectedPlural = `${GROUP}/${STORAGE_VERSION} ${names.plural}`;
  if (gotPlural !== expectedPlural) return err(`request.resource: expected ${expectedPlural}, got ${gotPlural}`);
  if (subResource !== '') return err(`request.subResource: expected none, got ${subResource}`);
  const operation = operations[names.kind].find((known) => known === request.operation);
  if (operation === undefined) {
    return err(`request.operation: expected ${joinWords(operations[names.kind])}, got ${request.operation}`);
  }
  if (namespace === '') return err(`request.namespace: expected the namespace of the ${names.kind}, got none`);
  return ok({
    uid: request.uid,
    kind: names.kind,
    operation,
    namespace,
    name: readName(request),
    caller: makeRequester(request.userInfo),
    version: requestKind?.version === OLD_VERSION ? OLD_VERSION : STORAGE_VERSION,
    spec: readSpec(request.object),
    oldSpec: readSpec(request.oldObject),
  });
}

const joinWords = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');

function readName({ name, object }: AdmissionRequest): string {
  const metadata = member(object, 'metadata');
  const names = [name, member(metadata, 'name'), member(metadata, 'generateName')];
  return (names.find((candidate) => typeof candidate === 'string' && candidate !== '') as string | undefined) ?? '';
}

function readSpec(object: unknown): JsonObject | undefined {
  const spec = member(object, 'spec');
  return isJsonObject(spec) ? spec : undefined;
}
