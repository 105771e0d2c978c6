/** One request for the certificate of a worker. */
import { readFile } from 'node:fs/promises';
import { WORKER_KEYS_PATH, workerKeys, type WorkerKeys, type WorkerKeysRequest } from '../api/http/keys.ts';
import { keysRequestTimeoutMs } from '../api/limits/lifecycle.ts';

export interface WorkerKeysOptions extends WorkerKeysRequest {
  /** Of the gateway of the pool, which passes the request on. */
  readonly keysUrl: URL;
  /** Read again at every request: it is renewed. */
  readonly tokenFile: string;
}

/** @throws when it is not signed, with the status alone: an answer may hold anything. */
export async function requestWorkerKeys(request: WorkerKeysOptions): Promise<WorkerKeys> {
  const token = (await readFile(request.tokenFile, 'utf8')).trim();
  const answer = await fetch(new URL(WORKER_KEYS_PATH, request.keysUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ worker: request.worker, serverCsr: request.serverCsr }),
    redirect: 'error',
    signal: AbortSignal.timeout(keysRequestTimeoutMs),
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new Error(`answer with status ${answer.status}`);
  }
  return workerKeys.parse(await answer.json());
}
