/** Lifecycle's account makes the objects that it makes, and no others: every one is sent to a real apiserver. */
import { beforeAll, describe, expect, it } from 'vitest';
import { LABELS, TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { makeWorker } from '../../core/allocation/worker.ts';
import { makeExposure } from '../../core/lifecycle/exposure.ts';
import * as gateway from '../../core/lifecycle/gateway-objects.ts';
import { makeGatewayPolicy } from '../../core/lifecycle/gateway-policy.ts';
import type { KubeObject } from '../../core/lifecycle/objects.ts';
import * as workers from '../../core/lifecycle/worker-objects.ts';
import { kubectl, makeNamespace, run } from './cluster.ts';

const lifecycle = 'system:serviceaccount:buildkit-system:buildkit-lifecycle';
const image = `example.com/ours@sha256:${'1'.repeat(64)}`;
const settings = {
  clusterFqdn: 'test.example',
  image,
  buildkitImage: `example.com/buildkit@sha256:${'2'.repeat(64)}`,
  hostnameSuffixes: [],
  urls: { api: 'https://api', lifecycle: 'http://lifecycle', status: 'http://status' },
};

let namespace: string;
let pool: Pool;
let worker: Worker;

beforeAll(async () => {
  namespace = await makeNamespace('shapes');
  await run(['create', 'serviceaccount', 'admin', '-n', namespace]);
  const install = ['create', 'configmap', 'buildkit-install', '-n', 'buildkit-system', `--from-literal=image=${image}`];
  await run(install);
  const exposure = { enabled: true, ingress: { enabled: true, hostname: 'builds.example.com' } };
  pool = { metadata: await create('BuildKitPool', 'pool', { gateway: { exposure } }), spec: { gateway: { exposure } } };
  const spec = { poolRef: { name: 'pool', namespace } };
  worker = { metadata: await create('BuildKitWorker', 'worker', spec), spec };
});

async function create(kind: string, name: string, spec: object): Promise<Pool['metadata']> {
  const object = { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind, metadata: { name, namespace }, spec };
  const text = await run(['create', '-o', 'json', '-f', '-'], JSON.stringify(object));
  return (JSON.parse(text) as Pool).metadata;
}

/** What the apiserver says of it when lifecycle creates it. */
async function tryToMake(object: unknown): Promise<string> {
  const args = ['create', '--dry-run=server', `--as=${lifecycle}`, '-o', 'name', '-f', '-'];
  const { stdout, stderr } = await kubectl(args, JSON.stringify(object));
  return (stdout + stderr).trim();
}

const workerPod = (): KubeObject => workers.makeWorkerPod({ pool, worker, config: 'root = "/x"' }, settings);

describe("lifecycle's account", () => {
  it('makes the Pod of a worker', async () => {
    expect(await tryToMake(workerPod())).toBe('pod/worker');
  });

  it('makes the Pod of a worker that is privileged', async () => {
    const privileged: Pool = { ...pool, spec: { workers: { isolation: 'Privileged' } } };
    const pod = workers.makeWorkerPod({ pool: privileged, worker, config: '' }, settings);
    expect(await tryToMake(pod)).toBe('pod/worker');
  });

  it('makes everything that a pool has, and what stands beside its workers', async () => {
    // Who binds a role must find it.
    const [, role] = gateway.makeGatewayAccount(pool);
    await run(['create', `--as=${lifecycle}`, '-f', '-'], JSON.stringify(role));
    const [account, , binding] = gateway.makeGatewayAccount(pool);
    const objects = [
      account,
      binding,
      gateway.makeGatewayTrust(pool, 'pem'),
      gateway.makeRoutes(pool, {}),
      makeGatewayPolicy(pool, [namespace]),
      gateway.makeGatewayBudget(pool),
      gateway.makeGatewayService(pool),
      gateway.makeKeysService(pool),
      gateway.makeGatewayDeployment(pool, settings),
      ...makeExposure(pool).wanted,
      workers.makeWorkersPolicy(pool, namespace),
      workers.makeWorkersBudget(pool, namespace),
    ];
    const answers = await Promise.all(objects.map(tryToMake));
    expect(answers.filter((answer) => answer.includes(' '))).toEqual([]);
    expect(answers).toHaveLength(objects.length);
  });
});

/** A deep copy of the Pod with one change. */
const changed = (change: (pod: ReturnType<typeof asPod>) => void): unknown => {
  const pod = asPod(structuredClone(workerPod()));
  change(pod);
  return pod;
};

interface Container {
  [field: string]: unknown;
  args: string[];
  image: string;
  securityContext: { [field: string]: unknown; capabilities: { add?: string[]; drop: string[] } };
  volumeMounts: object[];
}
const asPod = (object: unknown) =>
  object as {
    metadata: { name: string; labels: Record<string, string>; ownerReferences: { kind: string; name: string }[] };
    spec: {
      [field: string]: unknown;
      containers: [Container, ...Container[]];
      initContainers: [Container, ...Container[]];
      volumes: object[];
    };
  };

describe("lifecycle's account makes no other Pod", () => {
  const changes: Record<string, (pod: ReturnType<typeof asPod>) => void> = {
    'of nobody': (pod) => {
      pod.metadata.ownerReferences = [];
    },
    'of another name than its worker': (pod) => {
      pod.metadata.name = 'other';
    },
    'with the label of a gateway': (pod) => {
      pod.metadata.labels['buildkit.smrt-devops.net/pool'] = 'pool';
    },
    'in the network of the node': (pod) => {
      delete pod.spec['hostUsers'];
      pod.spec['hostNetwork'] = true;
    },
    'among the processes of the node': (pod) => {
      delete pod.spec['hostUsers'];
      pod.spec['hostPID'] = true;
    },
    'with the users of the node': (pod) => {
      delete pod.spec['hostUsers'];
    },
    'with an account': (pod) => {
      pod.spec['serviceAccountName'] = 'admin';
    },
    'with the token of its account': (pod) => {
      pod.spec['automountServiceAccountToken'] = true;
    },
    'on a node of its choice': (pod) => {
      pod.spec['nodeName'] = 'node';
    },
    'with a second container': (pod) => {
      pod.spec.containers.push({ ...pod.spec.containers[0], name: 'other' });
    },
    'that runs another command': (pod) => {
      pod.spec.containers[0]['command'] = ['sh'];
    },
    'with another capability': (pod) => {
      pod.spec.containers[0].securityContext.capabilities.add?.push('SYS_MODULE');
    },
    'whose build container mounts the token': (pod) => {
      pod.spec.containers[0].volumeMounts.push({ name: 'token', mountPath: '/token' });
    },
    'whose keys are made by another image': (pod) => {
      pod.spec.initContainers[0].image = 'example.com/theirs';
    },
    'whose keys are made by root with capabilities': (pod) => {
      pod.spec.initContainers[0].securityContext.capabilities.add = ['SYS_ADMIN'];
    },
    'with a folder of the node': (pod) => {
      pod.spec.volumes.push({ name: 'host', hostPath: { path: '/' } });
    },
    'with a Secret': (pod) => {
      pod.spec.volumes[1] = { name: 'keys', secret: { secretName: 'theirs' } };
    },
    'with a token for the apiserver': (pod) => {
      pod.spec.volumes[0] = {
        name: 'token',
        projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'https://kubernetes' } }] },
      };
    },
    'with a token that our API takes': (pod) => {
      pod.spec.volumes[0] = {
        name: 'token',
        projected: { sources: [{ serviceAccountToken: { path: 'token', audience: TOKEN_AUDIENCE } }] },
      };
    },
  };

  it.each(Object.entries(changes))('%s', async (_name, change) => {
    expect(await tryToMake(changed(change))).toMatch(
      /ValidatingAdmissionPolicy 'buildkit-lifecycle-(pods|images)' with binding 'buildkit-lifecycle-\1' denied request/,
    );
  });
});

describe("lifecycle's account makes no other object", () => {
  const denied = "ValidatingAdmissionPolicy 'buildkit-lifecycle-objects'";
  const withSpec = (object: KubeObject, change: object): unknown => ({
    ...object,
    spec: { ...(object['spec'] as object), ...change },
  });

  it.each(['secrets', 'nodes', 'clusterroles'])('of the kind %s', async (kind) => {
    const answer = await run(['auth', 'can-i', 'create', kind, `--as=${lifecycle}`]).catch((error: unknown) =>
      String(error),
    );
    expect(answer).toContain('kubectl auth can-i');
  });

  it('that belongs to no pool', async () => {
    const { ownerReferences, ...metadata } = gateway.makeGatewayService(pool).metadata;
    expect(ownerReferences).toHaveLength(1);
    expect(await tryToMake({ ...gateway.makeGatewayService(pool), metadata })).toContain(denied);
  });

  it('with a name that is not its pool’s', async () => {
    const service = gateway.makeGatewayService(pool);
    expect(await tryToMake({ ...service, metadata: { ...service.metadata, name: 'other' } })).toContain(denied);
  });

  it('that leads to other Pods', async () => {
    expect(await tryToMake(withSpec(gateway.makeGatewayService(pool), { selector: { app: 'theirs' } }))).toContain(
      denied,
    );
  });

  it('that takes the CSRs of workers from outside of the cluster', async () => {
    const port = { name: 'keys', port: 1236, targetPort: 'keys' };
    const changes: readonly [KubeObject, object][] = [
      [gateway.makeGatewayService(pool), { type: 'LoadBalancer', ports: [port] }],
      [gateway.makeKeysService(pool), { type: 'LoadBalancer' }],
      [gateway.makeKeysService(pool), { ports: [{ ...port, targetPort: 'metrics' }] }],
    ];
    for (const [object, change] of changes) expect(await tryToMake(withSpec(object, change))).toContain(denied);
  });

  it('that gives a gateway more than its pool and its routes', async () => {
    const [, role] = gateway.makeGatewayAccount({ ...pool, metadata: { ...pool.metadata, name: 'other' } });
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
    expect(await tryToMake({ ...role, rules })).toContain(denied);
  });

  it('that gives the role of a gateway to another account', async () => {
    const [, , binding] = gateway.makeGatewayAccount(pool);
    const subjects = [{ kind: 'ServiceAccount', name: 'default', namespace }];
    expect(await tryToMake({ ...binding, subjects })).toContain(denied);
  });

  it('that runs something else than a gateway', async () => {
    const deployment = gateway.makeGatewayDeployment(pool, settings);
    const text = JSON.stringify(deployment).replace('"args":["gateway"]', '"args":["authority"]');
    expect(await tryToMake(JSON.parse(text))).toContain(denied);
  });
});

describe("lifecycle's account leaves alone", () => {
  const own = "ValidatingAdmissionPolicy 'buildkit-lifecycle-own'";

  it('a Service that has the name of a pool and belongs to somebody else', async () => {
    await run(['create', 'service', 'clusterip', 'pool', '-n', namespace, '--tcp=80']);
    const patch = ['patch', 'service', 'pool', '-n', namespace, `--as=${lifecycle}`, '--type=merge'];
    const { stderr } = await kubectl([...patch, '-p', '{"metadata":{"labels":{"a":"b"}}}']);
    // The policy on what an object must be, or the one on whose it is: the first that answers is shown.
    expect(stderr).toMatch(/ValidatingAdmissionPolicy 'buildkit-lifecycle-(own|objects)'/);
    const deleted = await kubectl(['delete', 'service', 'pool', '-n', namespace, `--as=${lifecycle}`]);
    expect(deleted.stderr).toContain(own);
  });

  it('the Pods that others create, even where the ConfigMap of the install is gone', async () => {
    const manifest = await run(['get', 'configmap', 'buildkit-install', '-n', 'buildkit-system', '-o', 'json']);
    await run(['delete', 'configmap', 'buildkit-install', '-n', 'buildkit-system']);
    try {
      const create = [
        'run',
        'without',
        '-n',
        namespace,
        '--image=example.com/theirs',
        '--dry-run=server',
        '-o',
        'name',
      ];
      expect(await run(create)).toBe('pod/without\n');
      const withAccount = changed((pod) => (pod.spec['serviceAccountName'] = 'admin'));
      expect(await tryToMake(withAccount)).toContain('denied request');
    } finally {
      const { data } = JSON.parse(manifest) as { data: object };
      const metadata = { name: 'buildkit-install', namespace: 'buildkit-system' };
      await run(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }));
    }
  });

  it('the Pods of tenants', async () => {
    await run(['run', 'theirs', '-n', namespace, '--image=example.com/theirs']);
    const { stderr } = await kubectl(['delete', 'pod', 'theirs', '-n', namespace, `--as=${lifecycle}`, '--wait=false']);
    expect(stderr).toContain(own);
  });
});

describe("lifecycle's account makes and deletes workers", () => {
  const policy = "ValidatingAdmissionPolicy 'buildkit-lifecycle-workers'";
  const patch = async (change: object): Promise<string> => {
    const args = ['patch', 'buildkitworker', 'worker', '-n', namespace, `--as=${lifecycle}`, '--type=merge'];
    const { stdout, stderr } = await kubectl([...args, '-p', JSON.stringify(change), '--dry-run=server']);
    return stdout + stderr;
  };

  it('with names of their pool, in its namespace', async () => {
    expect(await tryToMake(makeWorker(pool, 'pool-0'))).toBe('buildkitworker.buildkit.smrt-devops.net/pool-0');
    expect(await tryToMake(makeWorker(pool, 'other-0'))).toContain(policy);
    const { spec } = makeWorker({ ...pool, metadata: { ...pool.metadata, namespace: 'default' } }, 'pool-0');
    expect(await tryToMake({ ...makeWorker(pool, 'pool-0'), spec })).toContain('denied');
  });

  it('but deletes none that tenants made', async () => {
    const { stderr } = await kubectl(['delete', 'buildkitworker', 'worker', '-n', namespace, `--as=${lifecycle}`]);
    expect(stderr).toContain(policy);
  });

  it('and changes nothing of them but the labels of their lease', async () => {
    const changes = [
      { metadata: { annotations: { a: 'b' } } },
      { metadata: { labels: { a: 'b' } } },
      { metadata: { finalizers: ['example.com/theirs'] } },
    ];
    for (const change of changes) expect(await patch(change)).toContain(policy);
    expect(await patch({ metadata: { labels: { [LABELS.lease]: null } } })).toContain('(no change)');
  });
});

describe("lifecycle's account ends a lease", () => {
  const api = 'system:serviceaccount:buildkit-system:buildkit-controller';
  const change = (as: string, type: object): Promise<string> => {
    const args = ['patch', 'buildkitworker', 'pool-1', '-n', namespace, `--as=${as}`, '--type=merge'];
    return run([...args, '-p', JSON.stringify(type)]);
  };

  it('of a worker, which it deletes only then', async () => {
    await run(['create', `--as=${lifecycle}`, '-f', '-'], JSON.stringify(makeWorker(pool, 'pool-1')));
    const lease = { jobID: 'job', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2026-01-01T00:00:00Z' };
    const labels = { [LABELS.domain]: 'd', [LABELS.lease]: 'l', [LABELS.leaseUID]: 'u' };
    await change(api, { metadata: { labels }, spec: { lease } });
    const remove = ['delete', 'buildkitworker', 'pool-1', '-n', namespace, `--as=${lifecycle}`];
    expect((await kubectl(remove)).stderr).toContain('lifecycle deletes no worker that has a lease');
    await change(lifecycle, {
      metadata: { labels: { [LABELS.lease]: null, [LABELS.leaseUID]: null } },
      spec: { lease: null },
    });
    expect(await run(remove)).toContain('deleted');
  });
});
