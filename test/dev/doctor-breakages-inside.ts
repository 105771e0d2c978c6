/** What goes wrong with parts that run in the cluster. */
import { SYSTEM_NAMESPACE as namespace } from '../../api/names.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { drop, losing, patch, type Breakage } from './doctor-breakages.ts';
import { patchStatus, podsPath, sayReady, type Patient } from './doctor-system.ts';
import { applyForeignDefinitions, overlay, render, type Manifest } from './installation.ts';

const ours = ['-n', namespace];
const cronJob = ['cronjob', 'buildkit-authority', ...ours];
const endpoints = ['endpointslice', 'buildkit-webhooks-1', ...ours];
const job = `/apis/batch/v1/namespaces/${namespace}/jobs/buildkit-authority-000000000000`;
const functions = ['buildkit-api', 'buildkit-lifecycle', 'buildkit-status'];

const setReady = (ready: boolean) =>
  patch(endpoints, [{ op: 'replace', path: '/endpoints/0/conditions/ready', value: ready }]);

export const inside: readonly Breakage[] = [
  {
    name: 'a cluster without a name',
    ...losing('configmap', 'buildkit-install', ...ours),
    found: ['cluster_fqdn_missing ConfigMap/buildkit-system/buildkit-install: is not there'],
  },
  {
    name: 'a cluster with a name that is none',
    break: patch(['configmap', 'buildkit-install', ...ours], { data: { 'cluster-fqdn': 'mine' } }),
    found: [
      'cluster_fqdn_missing ConfigMap/buildkit-system/buildkit-install: cluster-fqdn: cluster FQDN: expected a lower-case DNS name with a dot, got "mine"',
    ],
    mend: patch(['configmap', 'buildkit-install', ...ours], { data: { 'cluster-fqdn': 'a.test' } }),
  },
  {
    name: 'an authority that fails',
    break: ({ administrator }) => patchStatus(administrator, job, failedJob),
    found: [
      'authority_fails Job/buildkit-system/buildkit-authority-000000000000: BackoffLimitExceeded: Job has reached the specified backoff limit',
    ],
    mend: drop('job', 'buildkit-authority-000000000000', ...ours),
  },
  {
    name: 'an authority that is suspended',
    break: patch(cronJob, { spec: { suspend: true } }),
    found: ['authority_not_scheduled CronJob/buildkit-system/buildkit-authority: is suspended'],
    mend: patch(cronJob, { spec: { suspend: false } }),
  },
  {
    name: 'an authority without a schedule',
    ...losing(...cronJob),
    found: ['authority_not_scheduled CronJob/buildkit-system/buildkit-authority: is not there'],
  },
  {
    name: 'webhooks of which none is ready',
    break: setReady(false),
    found: ['webhook_without_endpoints Service/buildkit-system/buildkit-webhooks: has no endpoint that is ready'],
    mend: setReady(true),
  },
  {
    name: 'a part that is not installed',
    ...losing('deployment', 'buildkit-status', ...ours),
    found: ['workload_absent Deployment/buildkit-system/buildkit-status: is not there'],
  },
  {
    name: 'an image that is not there',
    break: (patient) => sayOfOnePod(patient, 'buildkit-api', waitingPod),
    found: [
      'workload_not_ready Deployment/buildkit-system/buildkit-api: 1 of 2 are ready: container api: ImagePullBackOff: Back-off pulling image "buildkit-controller"',
    ],
    mend: ({ administrator }) => sayReady(administrator),
  },
  {
    name: 'no node for a Pod',
    break: (patient) => sayOfOnePod(patient, 'buildkit-bridge', unscheduledPod),
    found: [
      'workload_not_ready Deployment/buildkit-system/buildkit-bridge: 0 of 1 are ready: 0/3 nodes are available: 3 Insufficient memory.',
    ],
    mend: ({ administrator }) => sayReady(administrator),
  },
  {
    name: 'functions for Knative in a cluster without it',
    ...losing('deployment', ...functions, ...ours),
    found: [
      'knative_absent serving.knative.dev: is not there, nor are Deployments of buildkit-api, buildkit-lifecycle, buildkit-status',
    ],
  },
  {
    name: 'no source of events',
    ...losing('deployment', 'buildkit-bridge', ...ours),
    found: ['event_source_absent Namespace/buildkit-system: neither the bridge nor an ApiServerSource is there'],
  },
  {
    name: 'two sources of events',
    break: async (patient) => {
      await applyForeignDefinitions({ run: (args, input) => expectSuccess(patient.stack.kubectl, args, input) });
      for (const object of await readKnative(patient, ['ApiServerSource', 'PingSource']))
        await applyReady(patient, object);
    },
    found: ['event_source_twice Namespace/buildkit-system: both the bridge and an ApiServerSource are there'],
    mend: drop('deployment', 'buildkit-bridge', ...ours),
  },
  {
    name: 'a source of events that does not run',
    break: ({ administrator }) => patchStatus(administrator, pathOf('sources', 'apiserversources'), notReady),
    found: [
      'event_source_not_ready ApiServerSource/buildkit-system/buildkit-status: NoRight: cannot watch buildkitpools',
    ],
    mend: ({ administrator }) => patchStatus(administrator, pathOf('sources', 'apiserversources'), ready),
  },
  {
    name: 'a source of events without pings',
    break: drop('pingsource', 'buildkit-status', ...ours),
    found: ['ping_source_absent Service/buildkit-system/buildkit-status: gets events and no pings'],
    mend: async (patient) => {
      for (const object of await readKnative(patient, ['PingSource'])) await applyReady(patient, object);
    },
  },
  {
    name: 'a function that Knative can not start',
    break: async (patient) => {
      await patient.run('delete', 'deployment', ...functions, ...ours);
      for (const object of await readKnative(patient, ['Service'])) await applyReady(patient, object);
      await patchStatus(patient.administrator, pathOf('serving', 'services'), notReady);
    },
    found: ['workload_not_ready Knative Service/buildkit-system/buildkit-status: NoRight: cannot watch buildkitpools'],
    mend: ({ administrator }) => patchStatus(administrator, pathOf('serving', 'services'), ready),
  },
  {
    name: 'an account that is gone',
    ...losing('serviceaccount', 'buildkit-authority', ...ours),
    found: ['account_absent ServiceAccount/buildkit-system/buildkit-authority: is not there'],
  },
  {
    name: 'a key that cert-manager does not make, where it is to make them all',
    break: async ({ run, apply }) => {
      await run('delete', 'cronjob,serviceaccount', 'buildkit-authority', ...ours);
      await apply(certificate);
    },
    found: ['certificate_not_ready Certificate/buildkit-system/buildkit-webhook-tls: no condition yet: '],
    mend: ({ administrator }) => patchStatus(administrator, certificatePath, ready),
  },
];

const certificatePath = `/apis/cert-manager.io/v1/namespaces/${namespace}/certificates/buildkit-webhook-tls`;
const certificate = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  metadata: { name: 'buildkit-webhook-tls', namespace },
  spec: { secretName: 'buildkit-webhook-tls', issuerRef: { name: 'buildkit-webhook-ca' }, dnsNames: ['a.test'] },
};

const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
const notReady = {
  conditions: [{ type: 'Ready', status: 'False', reason: 'NoRight', message: 'cannot watch buildkitpools' }],
};

/** What overlay `knative` has of these kinds of Knative. */
const readKnative = async ({ stack }: Patient, kinds: readonly string[]): Promise<Manifest[]> =>
  (await render(stack.kubectl, overlay('knative'))).filter(
    ({ apiVersion, kind }) => apiVersion.includes('.knative.dev/') && kinds.includes(kind),
  );

const pathOf = (group: string, plural: string, name = 'buildkit-status'): string =>
  `/apis/${group}.knative.dev/v1/namespaces/${namespace}/${plural}/${name}`;

/** No part of Knative runs here: that it is ready is said of each object. */
async function applyReady({ apply, administrator }: Patient, object: Manifest): Promise<void> {
  await apply(object);
  const [group = ''] = object.apiVersion.split('.');
  await patchStatus(administrator, pathOf(group, `${object.kind.toLowerCase()}s`, object.metadata.name), ready);
}

const failedJob = {
  startTime: '2026-01-01T00:00:00Z',
  failed: 7,
  conditions: ['FailureTarget', 'Failed'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: '2026-01-01T00:01:00Z',
    reason: 'BackoffLimitExceeded',
    message: 'Job has reached the specified backoff limit',
  })),
};

const waitingPod = {
  phase: 'Pending',
  conditions: [{ type: 'Ready', status: 'False' }],
  containerStatuses: [
    {
      name: 'api',
      ready: false,
      restartCount: 0,
      image: '',
      imageID: '',
      state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "buildkit-controller"' } },
    },
  ],
};

const unscheduledPod = {
  phase: 'Pending',
  conditions: [
    { type: 'Ready', status: 'False' },
    { type: 'PodScheduled', status: 'False', message: '0/3 nodes are available: 3 Insufficient memory.' },
  ],
};

/** Says something of one Pod of a part, and waits until the Deployment has heard it. */
async function sayOfOnePod({ administrator, run: kubectl }: Patient, part: string, status: object): Promise<void> {
  const before = await kubectl('get', 'deployment', part, ...ours, '-o=jsonpath={.status.readyReplicas}');
  const pods = await kubectl('get', 'pods', ...ours, '-l', `app.kubernetes.io/name=${part}`, '-o=name');
  await patchStatus(administrator, `${podsPath}/${pods.split(/[/\n]/)[1] ?? ''}`, status);
  const left = Number(before) - 1;
  const condition = left === 0 ? `{.status.unavailableReplicas}=1` : `{.status.readyReplicas}=${left}`;
  await kubectl('wait', `deployment/${part}`, ...ours, `--for=jsonpath=${condition}`, '--timeout=120s');
}
