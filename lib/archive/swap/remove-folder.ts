/** Removes a folder with all that is in it, also where its own modes forbid that. */
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { OctoError } from '../../domain/errors.ts';
import { codeOf } from '../pack/file-status.ts';

/** A folder that is not there is no error; links are removed, never followed. @throws FolderNotRemovable */
export const removeFolder = async (folder: string): Promise<void> => {
  try {
    await openFolders(Buffer.from(folder));
    await rm(folder, { recursive: true, force: true });
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    throw new OctoError('FolderNotRemovable', `${folder} cannot be removed (${codeOf(cause)})`, {
      cause,
      facts: { path: folder },
    });
  }
};

const OWNERS_RIGHTS = 0o700;

/** Nobody but root removes what lies in a folder that may not be written to. */
const openFolders = async (folder: Buffer): Promise<void> => {
  const { mode } = await lstat(folder);
  if ((mode & OWNERS_RIGHTS) !== OWNERS_RIGHTS) await chmod(folder, (mode & 0o7777) | OWNERS_RIGHTS);
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await openFolders(Buffer.concat([folder, Buffer.from('/'), entry.name]));
  }
};
