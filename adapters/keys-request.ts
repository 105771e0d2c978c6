/** One request for the certificate of a worker. */
import { readFile } from 'node:fs/promises';
import { KEYS_PATH, workerKeys, type WorkerKeys } from '../api/http/keys.ts';
import { keysRequestTimeoutMs } from '../api/limits/lifecycle.ts';

export interface WorkerKeysRequest {
  readonly worker: string;
  readonly lifecycleUrl: URL;
  /** Read again at every request: it is renewed. */
  readonly tokenFile: string;
  /** PEM */
  readonly serverCsr: string;
}

/** @throws when it is not signed, with the status alone: an answer may hold anything. */
export async function requestWorkerKeys(request: WorkerKeysRequest): Promise<WorkerKeys> {
  const token = (await readFile(request.tokenFile, 'utf8')).trim();
  const answer = await fetch(new URL(KEYS_PATH, request.lifecycleUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ kind: 'worker', worker: request.worker, serverCsr: request.serverCsr }),
    redirect: 'error',
    signal: AbortSignal.timeout(keysRequestTimeoutMs),
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new Error(`answer with status ${answer.status}`);
  }
  return workerKeys.parse(await answer.json());
}
