/** `process.ts <folder> <watched|unwatched>`: a cluster in a process of its own, to be killed. */
import { startCluster } from '../../dev/node/cluster.ts';
import { createWatchdog } from '../../dev/watchdog.ts';

const [folder = '', isWatched] = process.argv.slice(2);
const watch = isWatched === 'watched' ? createWatchdog().watch : undefined;
const { addresses, kubectl, stop } = await startCluster({ folder, watch });
const { stdout } = await kubectl(['get', 'nodes', '-o', 'name']);
console.log(`${addresses.name} ${stdout.trim()}`);
process.on('SIGTERM', () => {
  void stop().then(() => process.exit());
});
