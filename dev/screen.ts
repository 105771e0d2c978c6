/** What `npm start` prints when all is up: the commands to type next, as the specification of the API prints them. */
export interface Screen {
  readonly apiserver: string;
  readonly apiUrl: string;
  readonly port: number;
  /** Folders of the kubectl that fits this apiserver, and of the clients of builds. */
  readonly path: string;
  /** Has more commands. */
  readonly page: string;
}

/** A word that a shell reads as it stands, whatever is in it. */
export const quote = (word: string): string => (/^[\w/.:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export const makeScreen = ({ apiserver, apiUrl, port, path, page }: Screen): string => `
Up: the Kubernetes apiserver at ${apiserver}, the functions at ${apiUrl}.
Type in another terminal, in this folder:

  export KUBECONFIG="$PWD/.dev/kubeconfig" API_URL=${apiUrl} PATH=${quote(path)}:"$PATH"
  kubectl apply -f manifests/examples/tenants.yaml
  TOKEN=$(kubectl create token default -n tenant-a --audience=buildkit.smrt-devops.net)
  curl --noproxy localhost -X POST http://localhost:${port}/api/v1/certs/request \\
    -H "Authorization: Bearer $TOKEN" \\
    -H "Content-Type: application/json" \\
    -d '{
      "pools": [
        "my-pool",
        "buildkit-system/shared-pool",
        "tenant-b/private-pool"
      ]
    }'
  kubectl get buildkitpools -A

${page} shows more. Ctrl-C ends everything.
`;
