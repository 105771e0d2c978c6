/**
 * Words of a pool that mean nothing here: refused where the owner would rely on them for their security or the gateway
 * could not run, and otherwise stored with a warning that says why. No I/O.
 */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { PORTS } from '../../api/names.ts';
import type { PoolSpec } from '../../api/v1beta1/pool.ts';
import { atPath } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';

interface Refused {
  readonly path: string;
  readonly values: readonly unknown[];
  readonly expected: string;
}

const refused: readonly Refused[] = [
  {
    path: 'certificates.server.mode',
    values: ['manual'],
    expected: 'auto: the key of a gateway is made in its Pod and never leaves it',
  },
  {
    path: 'gateway.exposure.gatewayAPI.tls.mode',
    values: ['terminate'],
    expected: 'passthrough: TLS ends in the gateway, which knows clients by their certificates',
  },
  {
    path: 'observability.metrics.port',
    values: [PORTS.gateway, PORTS.keys],
    expected: `another port than ${PORTS.gateway} and ${PORTS.keys}, where the gateway listens`,
  },
];

/** A value that has not changed is not judged: an old pool can still be changed elsewhere. */
export const checkUnsupported = ({ spec, oldSpec }: Pick<ObjectRequest, 'spec' | 'oldSpec'>): readonly StatusCause[] =>
  refused.flatMap(({ path, values, expected }) => {
    const value = atPath(spec, path);
    if (!values.includes(value) || value === atPath(oldSpec, path)) return [];
    const message = `Invalid value: ${JSON.stringify(value)}: expected ${expected}`;
    return [{ field: `spec.${path}`, reason: 'FieldValueInvalid', message }];
  });

/** By path; what stands below counts as well. */
export const withoutEffect: Readonly<Record<string, string>> = {
  'workers.scaling.targets.cpuUtilization': 'a worker serves one lease at a time: leases add workers, not load',
  'workers.scaling.targets.memoryUtilization': 'a worker serves one lease at a time: leases add workers, not load',
  'cache.gc.schedule': 'buildkitd collects garbage after builds, and what an idle worker keeps goes with it',
  'certificates.server.rotateBefore': 'the certificate is replaced at two thirds of its life, while it serves',
  'certificates.server.manual': 'the key of a gateway is made in its Pod and never leaves it',
  'gateway.exposure.gatewayAPI.gatewayClassName': 'no Gateway is made: the route attaches to one that is there',
  'gateway.exposure.gatewayAPI.tls.secretName': 'TLS ends in the gateway of the pool',
  'gateway.exposure.gatewayAPI.tls.secretNamespace': 'TLS ends in the gateway of the pool',
  'gateway.exposure.gatewayAPI.tls.autoGenerate': 'TLS ends in the gateway of the pool',
  'gateway.exposure.ingress.tls': 'TLS ends in the gateway of the pool',
};

const clientsSay = 'the client that builds says it, by --cache-to and --cache-from';
const clientsLogIn = 'buildkitd logs in with what the client brings: no Secret is read';

/** Of a backend, by its type. */
const backendWithoutEffect: Readonly<Record<'registry' | 's3', Readonly<Record<string, string>>>> = {
  registry: { mode: clientsSay, compression: clientsSay, credentialsSecret: clientsLogIn },
  s3: { bucket: clientsSay, credentialsSecret: clientsLogIn },
};

export const warnOfUnsupported = (spec: PoolSpec): readonly string[] => [
  ...Object.entries(withoutEffect).flatMap(([path, reason]) =>
    atPath(spec, path) === undefined ? [] : [`spec.${path}: has no effect: ${reason}`],
  ),
  ...(spec.cache?.backends ?? []).flatMap(({ registry, s3 }, index) =>
    Object.entries({ registry, s3 }).flatMap(([type, section = {}]) =>
      Object.entries(backendWithoutEffect[type as 'registry' | 's3'])
        .filter(([field]) => Object.hasOwn(section, field))
        .map(([field, reason]) => `spec.cache.backends[${index}].${type}.${field}: has no effect: ${reason}`),
    ),
  ),
];
