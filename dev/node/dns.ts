/** The cluster's DNS: CoreDNS in a Pod, as clusters have it. */
import type { Addresses } from './addresses.ts';
import { clusterDomain } from './configuration.ts';

export const dnsImage = 'dev.local/coredns:1';
const namespace = 'kube-system';
const name = 'coredns';
const labels = { 'k8s-app': 'kube-dns' };

// Names of the world are not found: this machine's resolver is not asked. They have a server block of their own,
// because `template` is asked before `kubernetes`.
const corefile = `${clusterDomain}:53 in-addr.arpa:53 {
  health :8080
  ready :8181
  errors
  cache 5
  kubernetes ${clusterDomain} in-addr.arpa {
    ttl 5
  }
}
.:53 {
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;

const metadata = { name, namespace, labels };
const port = (name: string, protocol: string, number: number) => ({ name, protocol, port: number });

export const dnsManifests = ({ dns }: Addresses): readonly object[] => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['services', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:coredns' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { Corefile: corefile } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name: 'kube-dns' },
    spec: { clusterIP: dns, selector: labels, ports: [port('dns', 'UDP', 53), port('dns-tcp', 'TCP', 53)] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
  },
];

const podSpec = {
  serviceAccountName: name,
  priorityClassName: 'system-cluster-critical',
  // It answers for the cluster and asks nobody.
  dnsPolicy: 'Default',
  containers: [
    {
      name,
      image: dnsImage,
      imagePullPolicy: 'IfNotPresent',
      args: ['-conf', '/etc/coredns/Corefile'],
      resources: { requests: { cpu: '50m', memory: '50Mi' }, limits: { memory: '170Mi' } },
      readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: '/health', port: 8080 }, initialDelaySeconds: 30 },
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
        readOnlyRootFilesystem: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
    },
  ],
  volumes: [{ name: 'config', configMap: { name } }],
};
