/** The Kubernetes release of every binary here; etcd has the version that this release pins. */
export const version = 'v1.36.2';

/** Checksums are `<algorithm>:<hex>` by `<os>-<arch>`; a platform without one builds with Go. */
type Published = { readonly url: (platform: string) => string; readonly checksums: Readonly<Record<string, string>> };
export type Tool<Name extends string = string> = {
  readonly name: Name;
  /** Absent where upstream publishes no build, or no checksum that could be pinned. */
  readonly published?: Published;
  /** The folder below `go/` whose go.mod pins the package in a `tool` line of its own. */
  readonly goModule: string;
  readonly goPackage: string;
  /** Build tags. */
  readonly goTags?: string;
  /** Where the package needs a library of C: the Debian package to link with. */
  readonly c?: { readonly debianPackage: string };
};
/** Binaries that are had together; `release` is their folder in the cache. */
export type Release<Name extends string = string> = {
  readonly release: string;
  readonly tools: readonly Tool<Name>[];
};
export type ToolName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';

const envtest: Published = {
  url: (platform) =>
    `https://github.com/kubernetes-sigs/controller-tools/releases/download/envtest-${version}/envtest-${version}-${platform}.tar.gz`,
  checksums: {
    'linux-amd64':
      'sha512:ea743186c8a799f5cf8faf16969f86189d003cb7d130e0ac4b58789f1e5748dcf30ebe91c837a10d5ac415383da3e10b9e64d65785c938c23e739781cfb76f08',
    'linux-arm64':
      'sha512:2d72ee985a8e262a3c57dc9f7f0fd891f6a8c7bf7ebaa2db6dc6d8eac8ae28181afe51c1f368b67756cdb40b10de9b205609e1726e5f27f7c6d824dd9c6649ac',
    'darwin-arm64':
      'sha512:9278f9e5af556b2f1f2d139769c1f0d717c7b4426917fdebdba898bcb725a916e4910d6160886194ff9be9589ea7c5c32c2b8ae0754703874b7c8ba8ddfc41ce',
  },
};

// The envtest archive lacks the controller manager, and the release has no build of it for darwin.
const controllerManager: Published = {
  url: (platform) => `https://dl.k8s.io/release/${version}/bin/${platform.replace('-', '/')}/kube-controller-manager`,
  checksums: {
    'linux-amd64': 'sha256:6332e45474baf6362f50394d8f7c6002274db04d68fe51dbe2229ef5c0b21e3c',
    'linux-arm64': 'sha256:976242c5e71e4c0d2cc925ca34e715112cd3379ef7c4292c661546073790ce56',
  },
};

const [, gitMajor = '', gitMinor = ''] = version.split(/[v.]/);
const stamp = 'k8s.io/component-base/version';
/** Without these a binary that is built here calls itself v0.0.0-master. */
export const ldflags = `-s -w -X ${stamp}.gitVersion=${version} -X ${stamp}.gitMajor=${gitMajor} -X ${stamp}.gitMinor=${gitMinor}`;

const kubernetes = <Name extends string>(name: Name) => ({
  name,
  goModule: 'kubernetes',
  goPackage: `k8s.io/kubernetes/cmd/${name}`,
});

export const controlPlane: Release<ToolName> = {
  release: version,
  tools: [
    { name: 'etcd', goModule: 'etcd', goPackage: 'go.etcd.io/etcd/server/v3', published: envtest },
    { ...kubernetes('kube-apiserver'), published: envtest },
    { ...kubernetes('kube-controller-manager'), published: controllerManager },
    { ...kubernetes('kubectl'), published: envtest },
  ],
};

/** Commands of one Go module that are only ever built: the package of each by its name. */
function built<Name extends string>(
  goModule: string,
  moduleVersion: string,
  packages: Readonly<Record<Name, string>>,
): Release<Name> {
  const names = Object.keys(packages) as Name[];
  const tools = names.map((name) => ({ name, goModule, goPackage: packages[name] }));
  return { release: `${goModule}-${moduleVersion}`, tools };
}

export const buildkit = built('buildkit', 'v0.34.2', {
  buildkitd: 'github.com/moby/buildkit/cmd/buildkitd',
  buildctl: 'github.com/moby/buildkit/cmd/buildctl',
});

export const buildx = built('buildx', 'v0.38.2', { buildx: 'github.com/docker/buildx/cmd/buildx' });

/** The adapters of ApiServerSource and PingSource. */
export const eventing = built('eventing', 'v0.49.2', {
  apiserver_receive_adapter: 'knative.dev/eventing/cmd/apiserver_receive_adapter',
  mtping: 'knative.dev/eventing/cmd/mtping',
});

/** Checks metrics, alert rules and dashboards; without the clients of every cloud that a server could discover targets in. */
export const prometheus: Release<'promtool'> = {
  release: 'prometheus-v0.316.0',
  tools: [
    {
      name: 'promtool',
      goModule: 'prometheus',
      goPackage: 'github.com/prometheus/prometheus/cmd/promtool',
      goTags: 'remove_all_sd',
    },
  ],
};

/** `queue` is queue-proxy. */
export const serving = built('serving', 'v0.50.0', { queue: 'knative.dev/serving/cmd/queue' });

/** What of Knative runs in a cluster beside these; a test of one adapter need not wait for it to be built. */
export const servingControl = built('serving', 'v0.50.0', {
  controller: 'knative.dev/serving/cmd/controller',
  activator: 'knative.dev/serving/cmd/activator',
  autoscaler: 'knative.dev/serving/cmd/autoscaler',
  webhook: 'knative.dev/serving/cmd/webhook',
});
export const eventingControl = built('eventing', 'v0.49.2', { controller: 'knative.dev/eventing/cmd/controller' });

/** What a node runs of Kubernetes, and the scheduler, without which nothing runs on it. */
export const nodeParts: Release<'kube-proxy' | 'kube-scheduler' | 'kubelet'> = {
  release: version,
  tools: [kubernetes('kube-scheduler'), kubernetes('kube-proxy'), kubernetes('kubelet')],
};

const containerdCommand = 'github.com/containerd/containerd/v2/cmd';
export const containerd = built('containerd', 'v2.4.2', {
  containerd: `${containerdCommand}/containerd`,
  'containerd-shim-runc-v2': `${containerdCommand}/containerd-shim-runc-v2`,
  ctr: `${containerdCommand}/ctr`,
});

/** Without seccomp it would start no Pod that asks for RuntimeDefault. */
export const runc: Release<'runc'> = {
  release: 'runc-v1.5.2',
  tools: [
    {
      name: 'runc',
      goModule: 'runc',
      goPackage: 'github.com/opencontainers/runc',
      goTags: 'seccomp netgo osusergo',
      c: { debianPackage: 'libseccomp-dev' },
    },
  ],
};

const plugins = 'github.com/containernetworking/plugins/plugins';
/** `note-pod` is a program of ours. */
export const cni = built('cni', 'v1.9.1', {
  bridge: `${plugins}/main/bridge`,
  loopback: `${plugins}/main/loopback`,
  'host-local': `${plugins}/ipam/host-local`,
  'note-pod': './note-pod',
});

/** Programs of ours: the version is raised when they change. */
export const coredns = built('coredns', 'v1.15.0', { coredns: '.' });
export const pause = built('pause', 'v1', { pause: '.' });

export const kind = built('kind', 'v0.33.0', { kind: 'sigs.k8s.io/kind' });
