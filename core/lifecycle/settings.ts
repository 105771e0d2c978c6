/** What an installation decides for all pools. */
export interface LifecycleSettings {
  /** In every certificate. */
  readonly clusterFqdn: string;
  /** Ours: of gateways, and of what makes the keys of workers. */
  readonly image: string;
  /** Of workers, where their pool names none. */
  readonly buildkitImage: string;
  /** Names outside of the cluster that pools may claim: of a namespace, or of `*`, those that end with the suffix. */
  readonly hostnameSuffixes: readonly { readonly namespace: string; readonly suffix: string }[];
  /** Where gateways find our functions. */
  readonly urls: { readonly api: string; readonly lifecycle: string; readonly status: string };
}
