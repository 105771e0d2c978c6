/** Configuration of the parts of the node, each in the form that it reads. */
import type { Addresses } from './addresses.ts';
import type { Account } from '../control-plane/start.ts';
import { nodeName } from './credentials.ts';
import { inside } from './machine.ts';

export const clusterDomain = 'cluster.local';
export const pauseImage = 'dev.local/pause:1';
export const containerdSocket = '/run/containerd/containerd.sock';

/** Of the node's folder: which Pod has which address. */
export const notesFolder = 'pods';

export interface NodeSettings {
  readonly addresses: Addresses;
  readonly kubeUrl: string;
  /** PEM. */
  readonly kubeCa: string;
  /** Folder of the CNI plugins. */
  readonly plugins: string;
  readonly runc: string;
}

/** JSON is YAML, too. */
const json = (value: object): string => JSON.stringify(value, undefined, 2);

/** `restrict_oom_score_adj`: root of a container may not lower scores, and then no Pod would start. */
export const containerdConfig = ({ plugins, runc }: NodeSettings): string => `version = 3
root = "${inside}/containerd"
state = "/run/containerd"
temp = "${inside}/tmp"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
address = "${containerdSocket}"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${pauseImage}"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = [${JSON.stringify(plugins)}]
conf_dir = "${inside}/cni"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = ${JSON.stringify(runc)}
`;

export const cniConfig = ({ addresses }: NodeSettings): string =>
  json({
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods',
        isGateway: true,
        // A Pod may reach itself by the address of its Service.
        hairpinMode: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: addresses.pods, gateway: addresses.podGateway }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: `${inside}/addresses`,
        },
      },
      { type: 'note-pod', folder: `${inside}/${notesFolder}` },
    ],
  });

export const kubeletConfig = ({ addresses }: NodeSettings): string =>
  json({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: addresses.node,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    clusterDomain,
    clusterDNS: [addresses.dns],
    resolvConf: `${inside}/resolv.conf`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${inside}/kubelet-ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${inside}/kubelet.crt`,
    tlsPrivateKeyFile: `${inside}/kubelet.key`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${addresses.name}`,
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    makeIPTablesUtilChains: false,
    // A developer's disk is often nearly full, and images that were imported come from nowhere else.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'imagefs.available': '0%', 'nodefs.available': '0%', 'nodefs.inodesFree': '0%' },
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '5s',
  });

/** All values of conntrack are 0: they are the machine's, and a network of its own may not change them. */
export const proxyConfig = ({ addresses }: NodeSettings): string =>
  json({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: nodeName,
    bindAddress: addresses.node,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    clusterCIDR: addresses.pods,
    clientConnection: { kubeconfig: `${inside}/kube-proxy.kubeconfig` },
    conntrack: {
      maxPerCore: 0,
      min: 0,
      tcpEstablishedTimeout: '0s',
      tcpCloseWaitTimeout: '0s',
      udpTimeout: '0s',
      udpStreamTimeout: '0s',
    },
  });

export const kubeconfigOf = ({ kubeUrl, kubeCa }: NodeSettings, { user, token }: Account): string => {
  const name = nodeName;
  return json({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name, cluster: { server: kubeUrl, 'certificate-authority-data': Buffer.from(kubeCa).toString('base64') } },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  });
};
