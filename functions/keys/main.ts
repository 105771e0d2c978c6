/**
 * Before buildkitd of a worker starts: makes its key where nobody else reads it, has it signed, and writes its
 * configuration. The daemon itself gets no token.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPause } from '../../adapters/backoff.ts';
import { readVariables } from '../../adapters/environment.ts';
import { requestWorkerKeys } from '../../adapters/keys-request.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { generateKeyPair } from '../../adapters/x509/keys.ts';
import { makeCsr } from '../../adapters/x509/make-csr.ts';
import { toPem } from '../../adapters/x509/pem.ts';
import type { WorkerKeys } from '../../api/http/keys.ts';
import { maxKeysWaitMs } from '../../api/limits/lifecycle.ts';

export interface KeysConfig {
  readonly worker: string;
  /** Of the gateway of the pool. */
  readonly keysUrl: URL;
  readonly tokenFile: string;
  readonly keysFolder: string;
  readonly configFolder: string;
  /** buildkitd.toml */
  readonly config: string;
}

/** Resolves when the files are there. @throws when nobody has signed the key in the time that a start may take. */
export async function writeKeys(config: KeysConfig, log: Log): Promise<void> {
  const pair = generateKeyPair();
  const keys = await requestPersistently(config, makeCsr(pair), log);
  const files = {
    'tls.key': { text: toPem('PRIVATE KEY', pair.privateKey), mode: 0o400 },
    'tls.crt': { text: keys.server, mode: 0o444 },
    'ca.crt': { text: keys.clientCa, mode: 0o444 },
  };
  for (const [name, { text, mode }] of Object.entries(files)) {
    await writeFile(join(config.keysFolder, name), text, { mode });
  }
  await writeFile(join(config.configFolder, 'buildkitd.toml'), config.config, { mode: 0o444 });
}

/** Lifecycle writes down which Pod it made a moment after it made it: until then nobody signs. */
async function requestPersistently(config: KeysConfig, serverCsr: string, log: Log): Promise<WorkerKeys> {
  const signal = AbortSignal.timeout(maxKeysWaitMs);
  const pause = createPause({ signal, random: Math.random });
  for (let failures = 1; ; failures += 1) {
    try {
      return await requestWorkerKeys({ ...config, serverCsr });
    } catch (error) {
      if (signal.aborted) throw error;
      log.info({ error: (error as Error).message }, 'keys not signed yet');
    }
    await pause(failures);
  }
}

if (import.meta.main) {
  const values = readVariables([
    'WORKER_NAME',
    'KEYS_URL',
    'TOKEN_FILE',
    'KEYS_FOLDER',
    'CONFIG_FOLDER',
    'BUILDKITD_TOML',
  ]);
  const log = createLog('keys');
  await writeKeys(
    {
      worker: values.WORKER_NAME,
      keysUrl: new URL(values.KEYS_URL),
      tokenFile: values.TOKEN_FILE,
      keysFolder: values.KEYS_FOLDER,
      configFolder: values.CONFIG_FOLDER,
      config: values.BUILDKITD_TOML,
    },
    log,
  );
  log.info('keys written');
}
