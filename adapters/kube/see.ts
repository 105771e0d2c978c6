/** A look at what may not be there, or not be for the caller's eyes. */
import type { Seen } from '../../core/doctor/observed.ts';
import { KubeError } from './errors.ts';

/** @throws {KubeError} for every other answer than the thing itself, 403 and 404. */
export async function see<T>(ask: Promise<T | undefined>, tellHidden: (message: string) => void): Promise<Seen<T>> {
  try {
    return (await ask) ?? 'absent';
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return 'absent';
    if (error.status !== 403) throw error;
    tellHidden(error.message);
    return 'hidden';
  }
}
