/** What an apiserver does to its etcd every five minutes, here on command. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

/** Forgets all earlier states: a watch can't be had from any of them. `folder` is that of the control plane. */
export async function compactEtcd(folder: string): Promise<void> {
  const ask = async (path: string, body: object): Promise<unknown> => {
    const sent = request({ socketPath: join(folder, 'etcd.sock:0'), method: 'POST', path });
    sent.end(JSON.stringify(body));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const said = await json(answer);
    if (answer.statusCode !== 200) throw new Error(`etcd ${path}: ${JSON.stringify(said)}`);
    return said;
  };
  const { header } = (await ask('/v3/maintenance/status', {})) as { header: { revision: string } };
  await ask('/v3/kv/compaction', { revision: header.revision, physical: true });
}
