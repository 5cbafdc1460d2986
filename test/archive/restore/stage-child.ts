/**
 * Stages the folders of a test in a process of its own that dies while the n-th pack is read:
 * `node stage-child.ts DIRECTORY ARCHIVE PACK`.
 */
import { directoryObjectStore } from '../../../lib/adapters/object-store.directory.ts';
import { planPlaces } from '../../../lib/archive/restore/plan-places.ts';
import { openRoots, stageFolders } from '../../../lib/archive/restore/stage.ts';
import { RUN, targetsIn } from './names.ts';

const [directory, archiveId, last] = process.argv.slice(2) as [string, string, string];
const store = directoryObjectStore({ directory: `${directory}/store` });
let packs = 0;
const read: typeof store.read = async (key, options) => {
  if (key.includes('/packs/') && packs++ === Number(last)) process.kill(process.pid, 'SIGKILL');
  return store.read(key, options);
};
const places = openRoots(planPlaces(targetsIn(`${directory}/server`), RUN));
await stageFolders({ archives: { ...store, read } }, { at: { instance: 'prod', archiveId }, places });
