/** The root, the intermediates below it, and the bundle of those who verify: gathered, planned, then done in order. */
import { CA_SECRETS, TRUST_BUNDLE } from '../../api/names.ts';
import { joinBundle } from '../../core/authority/bundle.ts';
import {
  endOfPrevious,
  planHierarchy,
  type HierarchyStep,
  type IntermediateName,
} from '../../core/authority/hierarchy.ts';
import { formatTime, parseTime } from '../../core/authority/status.ts';
import { gather, observe, type Hierarchy } from './observe.ts';
import { toData, type AuthorityPorts, type StoredTrust } from './ports.ts';
import { advance, toRotatingData, trustedOf, type RotatingCa } from './rotating-ca.ts';

/** What is due, to be done later. Throws when something is lost, broken, or belongs to something else. */
export async function prepareHierarchy(ports: AuthorityPorts): Promise<() => Promise<Hierarchy>> {
  const found = await gather(ports);
  const plan = planHierarchy(observe(ports, found), ports.now);
  if (!plan.ok) throw new Error(plan.error);
  return async () => {
    let hierarchy = found;
    for (const step of plan.value) hierarchy = await take(ports, hierarchy, step);
    return hierarchy;
  };
}

async function take(ports: AuthorityPorts, hierarchy: Hierarchy, step: HierarchyStep): Promise<Hierarchy> {
  switch (step.kind) {
    case 'publish':
      return { ...hierarchy, trust: await publishRoots(ports, hierarchy) };
    case 'sign':
      return await signIntermediate(ports, hierarchy, step.name);
    case 'make':
      return await createRoot(ports, hierarchy, { current: ports.makeRoot(), next: undefined, previous: undefined });
    case 'adopt':
      return await createRoot(ports, hierarchy, {
        current: expectThere(hierarchy.former),
        next: ports.makeRoot(),
        previous: undefined,
      });
    default:
      return await changeRoot(ports, hierarchy, step.kind);
  }
}

async function createRoot(ports: AuthorityPorts, hierarchy: Hierarchy, ca: RotatingCa): Promise<Hierarchy> {
  const entries = Object.entries(toRotatingData(ca)).flatMap(([key, text]) => (text === null ? [] : [[key, text]]));
  await create(ports, CA_SECRETS.root, Object.fromEntries(entries) as Record<string, string>);
  return { ...hierarchy, root: { ca, secret: undefined } };
}

async function create(
  { createSecret, log }: AuthorityPorts,
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  if (!(await createSecret(name, data))) throw new Error(`Secret ${name}: expected none, got one made meanwhile`);
  log.info({ secret: name }, 'Secret created');
}

async function changeRoot(
  ports: AuthorityPorts,
  hierarchy: Hierarchy,
  step: 'prepare' | 'promote' | 'retire',
): Promise<Hierarchy> {
  const { ca: before, secret } = expectThere(hierarchy.root);
  const ca = advance(before, step, { make: ports.makeRoot, end: endOfPrevious(ports.now) });
  await ports.changeSecret(CA_SECRETS.root, expectThere(secret), toRotatingData(ca));
  ports.log.info({ step }, 'root CA rotated');
  return { ...hierarchy, root: { ca, secret: undefined } };
}

/** Has exactly our roots trusted. */
async function publishRoots(ports: AuthorityPorts, { root, trust }: Hierarchy): Promise<StoredTrust> {
  const roots = joinBundle(trustedOf(expectThere(root).ca));
  if (trust?.roots === roots && parseTime(trust.publishedAt) !== undefined) return trust;
  const published = { roots, publishedAt: formatTime(ports.now), status: trust?.status ?? '{"certificates":[]}' };
  const written = await ports.writeTrust(trust, published);
  ports.log.info({ configMap: TRUST_BUNDLE.configMap }, 'trust bundle written');
  return written;
}

async function signIntermediate(
  ports: AuthorityPorts,
  hierarchy: Hierarchy,
  name: IntermediateName,
): Promise<Hierarchy> {
  const pair = ports.makeIntermediate(name, expectThere(hierarchy.root).ca.current);
  const secret = hierarchy.intermediates[name]?.secret;
  if (secret === undefined) {
    await create(ports, CA_SECRETS[name], toData(pair));
  } else {
    await ports.changeSecret(CA_SECRETS[name], secret, toData(pair));
    ports.log.info({ secret: CA_SECRETS[name] }, 'intermediate CA renewed');
  }
  return { ...hierarchy, intermediates: { ...hierarchy.intermediates, [name]: { pair, secret: undefined } } };
}

/** A step of the plan needs what the plan has seen. */
export function expectThere<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected what the plan has seen');
  return value;
}
