/** Kubernetes release of every binary below; etcd has the version that this release pins. */
export const version = 'v1.36.2';

export type ToolName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';

/** A published file: the binary itself, or a .tar.gz that holds several. */
export type Download = { readonly url: string; readonly checksum: `${'sha256' | 'sha512'}:${string}` };

export type Tool = {
  readonly name: ToolName;
  /** By `<os>-<arch>`; a platform that is not listed builds with Go. */
  readonly downloads: Readonly<Record<string, Download>>;
  readonly go: { readonly module: 'etcd' | 'kubernetes'; readonly package: string; readonly ldflags: string };
};

const envtestUrl = `https://github.com/kubernetes-sigs/controller-tools/releases/download/envtest-${version}`;
const envtest = {
  'linux-amd64': {
    url: `${envtestUrl}/envtest-${version}-linux-amd64.tar.gz`,
    checksum:
      'sha512:ea743186c8a799f5cf8faf16969f86189d003cb7d130e0ac4b58789f1e5748dcf30ebe91c837a10d5ac415383da3e10b9e64d65785c938c23e739781cfb76f08',
  },
  'linux-arm64': {
    url: `${envtestUrl}/envtest-${version}-linux-arm64.tar.gz`,
    checksum:
      'sha512:2d72ee985a8e262a3c57dc9f7f0fd891f6a8c7bf7ebaa2db6dc6d8eac8ae28181afe51c1f368b67756cdb40b10de9b205609e1726e5f27f7c6d824dd9c6649ac',
  },
  'darwin-arm64': {
    url: `${envtestUrl}/envtest-${version}-darwin-arm64.tar.gz`,
    checksum:
      'sha512:9278f9e5af556b2f1f2d139769c1f0d717c7b4426917fdebdba898bcb725a916e4910d6160886194ff9be9589ea7c5c32c2b8ae0754703874b7c8ba8ddfc41ce',
  },
} as const;

// The envtest archive lacks this one, and the Kubernetes release has no build of it for darwin.
const releaseUrl = `https://dl.k8s.io/release/${version}/bin`;
const controllerManager = {
  'linux-amd64': {
    url: `${releaseUrl}/linux/amd64/kube-controller-manager`,
    checksum: 'sha256:6332e45474baf6362f50394d8f7c6002274db04d68fe51dbe2229ef5c0b21e3c',
  },
  'linux-arm64': {
    url: `${releaseUrl}/linux/arm64/kube-controller-manager`,
    checksum: 'sha256:976242c5e71e4c0d2cc925ca34e715112cd3379ef7c4292c661546073790ce56',
  },
} as const;

const [major, minor] = version.slice(1).split('.');
const stamp = (variable: string, value = '') => `-X k8s.io/component-base/version.${variable}=${value}`;
const kubernetes = (command: string) => ({
  module: 'kubernetes' as const,
  package: `k8s.io/kubernetes/cmd/${command}`,
  // A binary without its version serves /version as v0.0.0, which clients refuse.
  ldflags: ['-s -w', stamp('gitVersion', version), stamp('gitMajor', major), stamp('gitMinor', minor)].join(' '),
});

export const tools: readonly Tool[] = [
  { name: 'etcd', downloads: envtest, go: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3', ldflags: '-s -w' } },
  { name: 'kube-apiserver', downloads: envtest, go: kubernetes('kube-apiserver') },
  { name: 'kube-controller-manager', downloads: controllerManager, go: kubernetes('kube-controller-manager') },
  { name: 'kubectl', downloads: envtest, go: kubernetes('kubectl') },
];
