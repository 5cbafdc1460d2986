/**
 * Which folders a backup takes, as people type it: `all`, `none`, or names. The names are the server's roles and those of
 * `extraFolders`; whether an instance has one of that name is asked where its configuration is at hand.
 */
import { OctoError } from '../../errors.ts';
import { requireShort, type SettingField } from './field.ts';

export const ALL_FOLDERS = 'all';
export const NO_FOLDERS = 'none';

/** The names in `text`; null is all of them. @throws SettingInvalid */
export const parseFolders = (text: string): string[] | null => {
  const word = text.trim().toLowerCase();
  if (word === ALL_FOLDERS) return null;
  if (word === NO_FOLDERS) return [];
  const names = [...new Set(word.split(/[,\s]+/).filter((name) => name !== ''))];
  const wrong = names.find(
    (name) => !/^[a-z0-9][a-z0-9-]{0,39}$/.test(name) || [ALL_FOLDERS, NO_FOLDERS].includes(name),
  );
  if (wrong !== undefined || names.length === 0)
    throw new OctoError(
      'SettingInvalid',
      `folders is ${ALL_FOLDERS}, ${NO_FOLDERS} or names as in packages,artifacts, not "${text}"`,
    );
  requireShort('folders', names.join(','));
  return names;
};

/** As it is typed. */
export const foldersText = (names: readonly string[] | null): string => {
  if (names === null) return ALL_FOLDERS;
  return names.length === 0 ? NO_FOLDERS : names.join(',');
};

export const foldersField: SettingField = {
  name: 'folders',
  label: 'Folders that backups take',
  hint: `${ALL_FOLDERS}, ${NO_FOLDERS} or names as in packages,artifacts; what is left out cannot be restored`,
  read: ({ folders }) => foldersText(folders),
  write: (settings, text) => ({ ...settings, folders: parseFolders(text) }),
};
