/** A run of the authority as a process, at the moment and against the apiserver that its environment names. */
import { readVariables } from '../../adapters/environment.ts';
import { createLog } from '../../adapters/log.ts';
import { developmentFqdn } from '../../dev/parts.ts';
import { runAuthority } from '../../functions/authority/main.ts';

const { KUBE_URL, ACCOUNT_FOLDER, MOMENT } = readVariables(['KUBE_URL', 'ACCOUNT_FOLDER', 'MOMENT']);
await runAuthority(
  {
    kube: { url: KUBE_URL, accountFolder: ACCOUNT_FOLDER },
    clusterFqdn: developmentFqdn,
    webhookNames: ['127.0.0.1', 'localhost'],
    now: () => Number(MOMENT),
  },
  createLog('authority'),
);
