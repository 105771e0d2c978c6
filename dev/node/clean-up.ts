import { disconnect } from './cable.ts';
import { removeCgroups } from './cgroups.ts';

/** Removes of an ended node what the kernel does not, if it is there. */
export async function cleanUp(name: string): Promise<void> {
  await removeCgroups(name);
  await disconnect(name);
}
