/**
 * Folders that a backup leaves out, because the settings say so or because whoever asked for it did.
 *
 * What the settings leave out is how this instance is backed up: such an archive can be good. What only the request left out
 * is missing from what people rely on: it is a gap, so the archive is never the latest good one. See docs/decisions.
 */
import * as z from 'zod';

export const LeftOut = z.strictObject({ name: z.string(), path: z.string(), by: z.enum(['settings', 'request']) });
export type LeftOut = z.infer<typeof LeftOut>;

type Folder = { name: string; path: string };
/** Names of folders to take; null is all. `asked` is undefined where the request says nothing of it. */
type Choice = { setting: readonly string[] | null; asked: readonly string[] | null | undefined };

/** Which of the folders are taken, and which are not and why. */
export const chooseFolders = <F extends Folder>(
  folders: readonly F[],
  { setting, asked = setting }: Choice,
): { taken: F[]; leftOut: LeftOut[] } => {
  const isIn = (names: readonly string[] | null, { name }: Folder) => names === null || names.includes(name);
  return {
    taken: folders.filter((folder) => isIn(asked, folder)),
    leftOut: folders
      .filter((folder) => !isIn(asked, folder))
      .map(({ name, path, ...rest }) => ({
        name,
        path,
        by: isIn(setting, { name, path, ...rest }) ? 'request' : 'settings',
      })),
  };
};

/** The gap that folders are which only the request left out. */
export const gapsOfLeftOut = (leftOut: readonly LeftOut[] = []): string[] => {
  const names = leftOut.filter(({ by }) => by === 'request').map(({ name }) => name);
  return names.length === 0 ? [] : [`left out, as it was asked for: ${names.join(', ')}`];
};

/** What the reader of a result should know of it, beside the gaps. */
export const notesOnLeftOut = (leftOut: readonly LeftOut[] = []): string[] => {
  const names = leftOut.filter(({ by }) => by === 'settings').map(({ name }) => name);
  const unchecked = leftOut.map(({ name }) => name).filter((name) => name === 'packages' || name === 'artifacts');
  return [
    ...(names.length === 0 ? [] : [`left out, as the settings say: ${names.join(', ')}`]),
    ...(unchecked.length === 0 ? [] : [`not compared with the database, since left out: ${unchecked.join(', ')}`]),
  ];
};
