import { expect, test } from 'vitest';
import { compile, type Cluster, type Peer, type Policy, type Port } from '../../dev/node/policy/compile.ts';

const network = { range: '10.0.1.0/24', machine: '10.0.0.1' };
const pods = ['server', 'client'].map((app, index) => ({
  namespace: 'a',
  labels: { app },
  address: `10.0.1.${index + 2}`,
  ports: { web: 8080 + index },
}));

/** The rules of the chain that an ingress rule, or an egress rule, gives the server. */
function rulesFor({ direction, peers, ports }: Rule): string[] {
  const rules = direction === 'Ingress' ? { ingress: [{ from: peers, ports }] } : { egress: [{ to: peers, ports }] };
  const podSelector = { matchLabels: { app: 'server' } };
  const policy: Policy = {
    metadata: { namespace: 'a', name: 'policy' },
    spec: { podSelector, policyTypes: [direction], ...rules },
  };
  const cluster: Cluster = { pods, namespaces: { a: { team: 'a' } }, policies: [policy] };
  const chain = new RegExp(`chain ${direction.toLowerCase()}_10_0_1_2 \\{\\n([\\s\\S]*?\\n)  \\}\\n`).exec(
    compile(cluster, network),
  );
  return (chain?.[1] ?? '').trim().split(/\n\s*/).slice(1);
}

type Rule = {
  readonly direction: 'Ingress' | 'Egress';
  readonly peers: readonly Peer[];
  readonly ports: readonly Port[];
};

test.each<[string, Rule, readonly string[]]>([
  ['nobody', { direction: 'Ingress', peers: [{ podSelector: { matchLabels: { app: 'other' } } }], ports: [] }, []],
  [
    'everybody at a range of ports',
    { direction: 'Ingress', peers: [], ports: [{ port: 80, endPort: 90 }] },
    ['tcp dport 80-90 return'],
  ],
  [
    'Pods of namespaces by label, at a port by its name, which is the own one',
    {
      direction: 'Ingress',
      peers: [{ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: { matchLabels: { app: 'client' } } }],
      ports: [{ port: 'web', protocol: 'UDP' }],
    },
    ['ip saddr 10.0.1.3 udp dport 8080 return'],
  ],
  [
    'Pods, at a port by its name, which is theirs',
    { direction: 'Egress', peers: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'web' }] },
    ['ip daddr 10.0.1.3 tcp dport 8081 return'],
  ],
  [
    'a network but for its middle',
    {
      direction: 'Egress',
      peers: [{ ipBlock: { cidr: '10.1.0.0/24', except: ['10.1.0.64/26', '10.9.0.0/16'] } }],
      ports: [],
    },
    ['ip daddr { 10.1.0.0-10.1.0.63, 10.1.0.128-10.1.0.255 } return'],
  ],
  [
    'a network without itself',
    { direction: 'Egress', peers: [{ ipBlock: { cidr: '10.1.0.0/24', except: ['10.1.0.0/16'] } }], ports: [] },
    [],
  ],
])('allows %s', (_, rule, expected) => {
  expect(rulesFor(rule)).toEqual([...expected, 'reject']);
});

test('keeps nobody from a Pod that no policy selects', () => {
  const rules = compile({ pods, namespaces: {}, policies: [] }, network);
  expect(rules).not.toContain('chain ingress');
  expect(rules).toContain('set known { type ipv4_addr; elements = { 10.0.1.2, 10.0.1.3 } }');
});
