/** Names and addresses of one node, which it shares with nothing else on this machine. */
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { BlockList } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

export interface Addresses {
  /** Of the link on this machine's side, the tables and the cgroups: one for each folder. */
  readonly name: string;
  /** All addresses of the node, reached through `node`. */
  readonly block: string;
  /** The two ends of the link between this machine and the node. */
  readonly machine: string;
  readonly node: string;
  readonly pods: string;
  readonly podGateway: string;
  readonly services: string;
  /** The Services of the apiserver, which has the first address of the range, and of the cluster's DNS. */
  readonly apiserver: string;
  readonly dns: string;
}

/** Of the ten networks of private use, 10.128.0.0/16 and above: the lower ones are what most clusters take. */
const firstBlock = 128;
const blocks = 126;

export const makeName = (folder: string): string => `bkn${hash('sha256', resolve(folder)).slice(0, 8)}`;

const makeAddresses = (name: string, block: number): Addresses => ({
  name,
  block: `10.${block}.0.0/16`,
  machine: `10.${block}.0.1`,
  node: `10.${block}.0.2`,
  pods: `10.${block}.1.0/24`,
  podGateway: `10.${block}.1.1`,
  services: `10.${block}.16.0/20`,
  apiserver: `10.${block}.16.1`,
  dns: `10.${block}.16.10`,
});

/** Beginning with a block that the name chooses, the first that no route of this machine touches. */
export function chooseAddresses(name: string, routes: readonly string[]): Addresses {
  const first = parseInt(hash('sha256', name).slice(0, 8), 16);
  for (let step = 0; step < blocks; step++) {
    const addresses = makeAddresses(name, firstBlock + ((first + step) % blocks));
    if (!routes.some((route) => overlap(route, addresses.block))) return addresses;
  }
  throw new Error(`no network of 10.${firstBlock}.0.0/16 and above is free: each is in a route of this machine`);
}

/** Two networks overlap when one of them holds the first address of the other. */
const overlap = (one: string, other: string): boolean => holds(one, other) || holds(other, one);

function holds(network: string, other: string): boolean {
  const [address = '', prefix = '32'] = network.split('/');
  const list = new BlockList();
  list.addSubnet(address, Number(prefix));
  return list.check(other.split('/')[0] ?? '');
}

/** Networks and addresses that this machine reaches in other ways than by its default route. */
export async function listRoutes(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ip', ['-json', '-4', 'route', 'show', 'table', 'all']);
  const routes = JSON.parse(stdout) as { readonly dst: string }[];
  return routes.map(({ dst }) => dst).filter((dst) => dst !== 'default');
}
