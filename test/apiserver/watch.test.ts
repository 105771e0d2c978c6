/** A watch of the real apiserver. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createKubeClient } from '../../adapters/kube/client.ts';
import { ourCollectionPath } from '../../adapters/kube/paths.ts';
import { KINDS } from '../../api/names.ts';
import { expectApplied, makeNamespace, makePool, stack } from './cluster.ts';

it('may be left in the middle, as when the apiserver says that its position is too old', async () => {
  await expectApplied(makePool(await makeNamespace('watch'), 'my-pool'));
  const kube = await createKubeClient({ url: stack.kubeUrl, accountFolder: join(stack.mounts, 'buildkit-bridge') });
  const left = new AbortController();
  const call = { path: ourCollectionPath(KINDS.pool.plural), query: { watch: 'true' } };
  const faults: unknown[] = [];
  const note = (fault: unknown) => faults.push(fault);
  process.on('uncaughtExceptionMonitor', note);
  try {
    for await (const line of kube.lines(call, left.signal)) {
      expect(line).toMatchObject({ type: 'ADDED' });
      break;
    }
    left.abort();
    await sleep(200);
    expect(faults).toEqual([]);
  } finally {
    process.off('uncaughtExceptionMonitor', note);
    kube.close();
  }
});
