/**
 * NetworkPolicies (https://kubernetes.io/docs/concepts/services-networking/network-policies/) as rules of nftables.
 * No I/O.
 */
import type { LabelSelector } from '../../../api/label-selector.ts';
import { isSelected, type Labels } from '../../../core/access/label-selector.ts';

export interface Pod {
  readonly namespace: string;
  readonly labels: Labels;
  readonly address: string;
  /** Numbers of its named ports. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
export interface Port {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}
type Direction = 'Ingress' | 'Egress';
export interface Policy {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: {
    readonly podSelector: LabelSelector;
    readonly policyTypes?: readonly Direction[];
    readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly Port[] }[];
    readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly Port[] }[];
  };
}

export interface Cluster {
  readonly pods: readonly Pod[];
  /** Labels by name. */
  readonly namespaces: Readonly<Record<string, Labels>>;
  readonly policies: readonly Policy[];
}
export interface NodeNetwork {
  /** All addresses that Pods have. */
  readonly range: string;
  /** This machine, which runs the apiserver and is never kept from a Pod, as a kubelet is not. */
  readonly machine: string;
}

/** A script for `nft -f`, which replaces all rules at once. */
export function compile(cluster: Cluster, { range, machine }: NodeNetwork): string {
  const chains = cluster.pods.flatMap((pod) =>
    (['Ingress', 'Egress'] as const).flatMap((direction) => makeChain(cluster, pod, direction)),
  );
  const jumps = (direction: Direction) =>
    listing(
      chains.filter((chain) => chain.direction === direction).map(({ pod, name }) => `${pod.address} : jump ${name}`),
    );
  return `table inet policies
delete table inet policies
table inet policies {
  set known { type ipv4_addr;${listing(cluster.pods.map(({ address }) => address))} }
  map egress { type ipv4_addr : verdict;${jumps('Egress')} }
  map ingress { type ipv4_addr : verdict;${jumps('Ingress')} }
${chains.map(({ name, rules }) => `  chain ${name} {\n${rules.map((rule) => `    ${rule}\n`).join('')}  }`).join('\n')}
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ip saddr ${machine} accept
    ip saddr ${range} ip saddr != @known drop
    ip daddr ${range} ip daddr != @known drop
    ip saddr vmap @egress
    ip daddr vmap @ingress
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    ip saddr vmap @egress
  }
}
`;
}

const listing = (elements: readonly string[]): string =>
  elements.length === 0 ? '' : ` elements = { ${[...new Set(elements)].join(', ')} }`;

interface Chain {
  readonly direction: Direction;
  readonly pod: Pod;
  readonly name: string;
  readonly rules: readonly string[];
}

/** None where no policy isolates the Pod in that direction. What a rule allows goes on to the other Pod's rules. */
function makeChain({ policies, ...cluster }: Cluster, pod: Pod, direction: Direction): Chain[] {
  const applying = policies.filter((policy) => applies(policy, pod, direction));
  if (applying.length === 0) return [];
  const allowed = applying.flatMap((policy) => makeRules({ ...cluster, policies }, { policy, pod, direction }));
  // A Pod is never kept from itself.
  const rules = [...new Set([`ip saddr ${pod.address} ip daddr ${pod.address} return`, ...allowed, 'reject'])];
  return [{ direction, pod, name: `${direction.toLowerCase()}_${pod.address.replaceAll('.', '_')}`, rules }];
}

const applies = ({ metadata, spec }: Policy, pod: Pod, direction: Direction): boolean =>
  metadata.namespace === pod.namespace &&
  isSelected(spec.podSelector, pod.labels) &&
  (spec.policyTypes ?? ['Ingress']).includes(direction);

interface Application {
  readonly policy: Policy;
  readonly pod: Pod;
  readonly direction: Direction;
}

function makeRules(cluster: Cluster, { policy, pod, direction }: Application): string[] {
  const { ingress = [], egress = [] } = policy.spec;
  const rules =
    direction === 'Ingress'
      ? ingress.map(({ from, ports }) => ({ peers: from, ports }))
      : egress.map(({ to, ports }) => ({ peers: to, ports }));
  const side = direction === 'Ingress' ? 'saddr' : 'daddr';
  return rules.flatMap(({ peers = [], ports = [] }) => {
    const sources = peers.length === 0 ? [anywhere] : peers.flatMap((peer) => findPeers(cluster, policy, peer));
    return sources.flatMap(({ network, pod: other }) => {
      const from = network === undefined ? '' : `ip ${side} ${network} `;
      const target = direction === 'Ingress' ? pod : other;
      return ports.length === 0
        ? [`${from}return`]
        : ports.flatMap((port) => matchPort(port, target)).map((match) => `${from}${match} return`);
    });
  });
}

/** An expression for addresses, and the Pod where it is the address of one. */
interface Source {
  readonly network?: string;
  readonly pod?: Pod;
}
const anywhere: Source = {};

function findPeers({ pods, namespaces }: Cluster, { metadata }: Policy, peer: Peer): Source[] {
  const { ipBlock, podSelector = {}, namespaceSelector } = peer;
  if (ipBlock !== undefined) {
    const { cidr, except = [] } = ipBlock;
    // Addresses of IPv6 are none that anything here has.
    if (cidr.includes(':')) return [];
    const left = except.length === 0 ? [cidr] : subtract(cidr, except);
    return left.length === 0 ? [] : [{ network: `{ ${left.join(', ')} }` }];
  }
  const isNamespace = (name: string) =>
    namespaceSelector === undefined
      ? name === metadata.namespace
      : isSelected(namespaceSelector, namespaces[name] ?? {});
  return pods
    .filter((pod) => isNamespace(pod.namespace) && isSelected(podSelector, pod.labels))
    .map((pod) => ({ network: pod.address, pod }));
}

/** Nothing where a name is of no port of the Pod that is called. */
function matchPort({ protocol = 'TCP', port, endPort }: Port, target: Pod | undefined): string[] {
  const transport = protocol.toLowerCase();
  if (port === undefined) return [`meta l4proto ${transport}`];
  const number = typeof port === 'string' ? target?.ports[port] : port;
  return number === undefined ? [] : [`${transport} dport ${number}${endPort === undefined ? '' : `-${endPort}`}`];
}

/** The network without some of its parts, as ranges. */
function subtract(cidr: string, except: readonly string[]): string[] {
  let left: (readonly [number, number])[] = [toRange(cidr)];
  for (const [first, last] of except.filter((part) => !part.includes(':')).map(toRange)) {
    left = left.flatMap(([from, to]) =>
      [[from, Math.min(to, first - 1)] as const, [Math.max(from, last + 1), to] as const].filter(([a, b]) => a <= b),
    );
  }
  return left.map(([from, to]) => `${formatAddress(from)}-${formatAddress(to)}`);
}

function toRange(cidr: string): readonly [number, number] {
  const [address = '', prefix = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(prefix));
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const first = number - (number % size);
  return [first, first + size - 1];
}

const formatAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
