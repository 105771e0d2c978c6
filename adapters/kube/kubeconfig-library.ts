/** KubeConfig of @kubernetes/client-node with its exec plugins, OIDC and proxies: imported when a kubeconfig is read. */
export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
