/** Has the control plane's binaries before any file starts one: a first build must not use up the time limit of a test. */
import { find } from '../../dev/control-plane/find.ts';
import { controlPlane } from '../../dev/control-plane/table.ts';

export default async function setup(): Promise<void> {
  await find(controlPlane, { report: console.error });
}
