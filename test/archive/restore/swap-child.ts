/**
 * Swaps the folders of a test, or takes them back, in a process of its own that dies at the n-th moment at which something
 * could: `node swap-child.ts HOST_DIRECTORY there|back MOMENT`. Moments are before and after each note, and before each rename.
 */
import { foldersBack, swapFolders } from '../../../lib/archive/swap/swap-folders.ts';
import type { FolderJournal } from '../../../lib/domain/restores/folders.ts';
import { changeJournal, readJournal } from '../../../lib/repository/restore-journal.ts';
import { RUN } from './names.ts';

const [hostDirectory, way, last] = process.argv.slice(2) as [string, 'there' | 'back', string];
const world = { hostDirectory };
let moment = 0;
const mayDie = async (): Promise<void> => {
  if (moment++ === Number(last)) process.kill(process.pid, 'SIGKILL');
};
const note = async (places: FolderJournal[]): Promise<void> => {
  await mayDie();
  await changeJournal(world, RUN, (journal) => ({ ...journal, folders: { places, summary: null } }));
  await mayDie();
};
const { places } = (await readJournal(world, RUN))!.folders!;
await (way === 'there' ? swapFolders : foldersBack)(places, { note, beat: mayDie });
