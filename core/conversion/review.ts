/** A ConversionReview's request to its response. No I/O. */
import type { ConversionRequest, ConversionResponse } from '../../api/http/conversion-review.ts';
import { GROUP, OLD_VERSION, STORAGE_VERSION } from '../../api/names.ts';
import { convertObject, parseVersion } from './convert.ts';

const expected = [OLD_VERSION, STORAGE_VERSION].map((version) => `${GROUP}/${version}`).join(' or ');

/** Fails as a whole, naming what is not ours: one answer can't hold converted and unconverted objects. */
export function convertReview({ uid, desiredAPIVersion, objects }: ConversionRequest): ConversionResponse {
  const fail = (message: string): ConversionResponse => ({
    uid,
    convertedObjects: [],
    result: { status: 'Failure', message },
  });
  const to = parseVersion(desiredAPIVersion);
  if (to === undefined)
    return fail(`desiredAPIVersion: expected ${expected}, got ${JSON.stringify(desiredAPIVersion)}`);
  const convertedObjects: unknown[] = [];
  for (const [index, object] of objects.entries()) {
    const converted = convertObject(object, to);
    if (!converted.ok) return fail(`objects[${index}]: ${converted.error}`);
    convertedObjects.push(converted.value);
  }
  return { uid, convertedObjects, result: { status: 'Success' } };
}
