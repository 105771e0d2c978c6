/** What `npm start` prints when all is up: the commands to type next, as the specification of the API prints them. */
export interface Place {
  readonly apiserver: string;
  readonly apiUrl: string;
  readonly port: number;
  /** Folder of the kubectl that fits this apiserver. */
  readonly path: string;
}

export const makeScreen = ({ apiserver, apiUrl, port, path }: Place): string => `
Up: the Kubernetes apiserver at ${apiserver}, the functions at ${apiUrl}.
Type in another terminal, in this folder:

  export KUBECONFIG=$PWD/.dev/kubeconfig API_URL=${apiUrl} PATH=${path}:$PATH
  kubectl apply -f manifests/examples/tenants.yaml
  TOKEN=$(kubectl create token default -n tenant-a --audience=buildkit.smrt-devops.net)
  curl -X POST http://localhost:${port}/api/v1/certs/request \\
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

docs/demo.md tells the whole story. Ctrl-C ends everything.
`;
