import { expect, it } from 'vitest';
import { createKubectl } from '../../dev/kubectl.ts';

it('gives the status of a command that ends before it has read its input', async () => {
  const kubectl = createKubectl('/bin/false', 'no-kubeconfig');
  expect(await kubectl(['apply', '-f', '-'], 'x'.repeat(1_000_000))).toMatchObject({ status: 1 });
});
