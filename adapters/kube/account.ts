/** The ServiceAccount of a Pod: a token and a CA in files, which the kubelet replaces while the process runs. */
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { accountCacheMs } from '../../api/limits/kubernetes.ts';
import { agentOptions, bearer, type Credentials, type Login } from './transport.ts';

interface Account extends Credentials {
  readonly ca: string;
}

/** @throws {Error} where there is no such account now; one that can't be read later stays as it was. */
export async function createAccountLogin(folder: string): Promise<Login> {
  let account = await readAccount(folder);
  let readAtMs = performance.now();

  async function renew(): Promise<void> {
    const former = account;
    account = await readAccount(folder, former).catch(() => former);
    if (account.agent !== former.agent) retire(former.agent);
  }

  return {
    logIn: async () => {
      if (performance.now() - readAtMs >= accountCacheMs) {
        readAtMs = performance.now();
        await renew();
      }
      return account;
    },
    close: () => {
      account.agent.destroy();
    },
  };
}

/** Connections outlive a new token, and not a new CA. */
async function readAccount(folder: string, former?: Account): Promise<Account> {
  const [token, ca] = await Promise.all(['token', 'ca.crt'].map((file) => readFile(join(folder, file), 'utf8')));
  const agent = former !== undefined && former.ca === ca ? former.agent : new Agent({ ...agentOptions, ca });
  return { ca: ca ?? '', agent, headers: bearer(token?.trim()) };
}

/** What it carries at this moment ends by itself. */
function retire(agent: Agent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}
