/** The cable between this machine and the node: a pair of links, of which each has one end. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Addresses } from './addresses.ts';

const ip = (...args: string[]) => promisify(execFile)('ip', args);

/** `run` runs a command inside the node, whose network that of `pid` is. */
export async function connect(
  { name, block, machine, node }: Addresses,
  pid: number,
  run: (command: readonly string[]) => Promise<string>,
): Promise<void> {
  await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
  await ip('addr', 'add', `${machine}/30`, 'dev', name);
  await ip('link', 'set', name, 'up');
  await run(['sh', '-euc', configureNode, 'sh', node, machine]);
  await ip('route', 'add', block, 'via', node, 'dev', name);
}

// Whoever is no process of this machine can not reach the node through it, even where it forwards: packets from
// outside never have this machine's own address as their source, the kernel sees to that.
// Without bridge filtering, a Pod could not reach by the address of a Service a Pod on the same bridge.
const configureNode = `
ip link set lo up
ip addr add "$1/30" dev eth0
ip link set eth0 up
ip route add default via "$2"
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
nft -f - <<EOF
table inet cable {
  chain arriving {
    type filter hook prerouting priority mangle; policy accept;
    iifname != "eth0" accept
    ct state established,related accept
    ip saddr != $2 drop
  }
}
EOF`;

/** The other end and the routes go with it. */
export async function disconnect(name: string): Promise<void> {
  const { stdout } = await promisify(execFile)('ip', ['-json', 'link']);
  const links = JSON.parse(stdout) as { readonly ifname: string }[];
  if (!links.some(({ ifname }) => ifname === name)) return;
  await ip('link', 'delete', name).catch((error: unknown) => {
    // The kernel takes it away by itself when the node has ended, a moment later.
    if (!String(error).includes('Cannot find device')) throw error;
  });
}
