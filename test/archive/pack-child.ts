/**
 * Packs the folders of a test in a process of its own, to be killed: `node pack-child.ts DIRECTORY PACKS`. After so many
 * packs it says so, and never gets an answer from its store again.
 */
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { packFolders } from '../../lib/archive/pack-folders.ts';

const [directory, packs] = process.argv.slice(2) as [string, string];
const store = directoryObjectStore({ directory: `${directory}/store` });
let [begun, stored] = [0, 0];
const create: typeof store.create = async (key, bytes, options) => {
  if (begun++ >= Number(packs)) return Promise.withResolvers<never>().promise;
  const written = await store.create(key, bytes, options);
  stored++;
  if (stored === Number(packs)) process.stdout.write('stored\n');
  return written;
};
// Keeps the process alive while it waits for nothing.
setInterval(() => undefined, 60_000);
await packFolders(
  { archives: { ...store, create }, clock: systemClock, hostDirectory: `${directory}/host` },
  { instance: 'prod', runId: 'run_A', pass: 'first', places: [{ name: 'packages', path: `${directory}/the server` }] },
);
