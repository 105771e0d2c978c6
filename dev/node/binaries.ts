/** The programs of a node, found or built as those of the control plane are. */
import { find } from '../control-plane/find.ts';
import { cni, containerd, coredns, nodeParts, pause, runc } from '../control-plane/table.ts';

export type NodeBinaries = Awaited<ReturnType<typeof findNodeBinaries>>;

/** The path of each. */
export const findNodeBinaries = async (report: (line: string) => unknown) => ({
  ...(await find(pause, { report })),
  ...(await find(cni, { report })),
  ...(await find(runc, { report })),
  ...(await find(containerd, { report })),
  ...(await find(coredns, { report })),
  ...(await find(nodeParts, { report })),
});
