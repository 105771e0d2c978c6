/** What a node requires of this machine. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Commands that the node is made with, and the Debian package of each. */
const commands = {
  ip: 'iproute2',
  nft: 'nftables',
  mount: 'mount',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
} as const;

/** Each requirement is a check and the sentence that describes its failure; the first that fails counts. */
const checks: readonly (readonly [() => boolean | Promise<boolean>, () => string])[] = [
  [() => process.platform === 'linux', () => `a node needs Linux, this is ${process.platform}`],
  [() => process.getuid?.() === 0, () => 'a node needs root: start it with sudo'],
  [
    () => listMissing().length === 0,
    () => `a node needs commands that are missing: apt-get install ${listMissing().join(' ')}`,
  ],
  [
    () => succeeds('unshare', ['--mount', '--net', '--pid', '--fork', 'true']),
    () => 'a node needs namespaces of its own, which this kernel or container does not let root make',
  ],
  [() => succeeds('nft', ['list', 'tables']), () => 'a node needs a kernel with nftables (CONFIG_NF_TABLES)'],
  [
    async () =>
      existsSync(bridgeFilter) || ((await succeeds('modprobe', ['br_netfilter'])) && existsSync(bridgeFilter)),
    () => 'a node needs a kernel with bridge filtering (CONFIG_BRIDGE_NETFILTER, module br_netfilter)',
  ],
  [() => existsSync('/sys/fs/cgroup'), () => 'a node needs control groups, mounted at /sys/fs/cgroup'],
];

const bridgeFilter = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/** One sentence, or undefined where a node can run. */
export async function findMissingRequirement(): Promise<string | undefined> {
  for (const [holds, say] of checks) if (!(await holds())) return say();
  return undefined;
}

/** Packages of the commands that are in no folder of PATH. */
function listMissing(): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const isHere = (command: string) => folders.some((folder) => existsSync(join(folder, command)));
  const missing = Object.entries(commands).filter(([command]) => !isHere(command));
  return [...new Set(missing.map(([, name]) => name))];
}

const succeeds = (file: string, args: readonly string[]): Promise<boolean> =>
  run(file, args).then(
    () => true,
    () => false,
  );
