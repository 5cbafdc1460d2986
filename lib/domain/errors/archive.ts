/** Error codes of the archive: folders and dump on the way in, objects on the way out. See `entry.ts`. */
import { errorGroup } from './entry.ts';

export const archiveErrors = errorGroup({
  AcceptNotYours: {
    retry: false,
    advice: 'Archives are accepted by people whom octo.yml names and lets ask for backups. Ask one of them.',
  },
  AcceptNotNeeded: {
    retry: false,
    advice: 'Only archives that are suspicious or have gaps are accepted. `/octo backup list` shows the word of each.',
  },
  AcceptDamaged: {
    retry: false,
    advice:
      'A damaged archive cannot be relied on, whoever accepts it. Take a new backup; it stores what is damaged anew.',
  },
  FolderMissing: {
    retry: false,
    advice:
      'A folder that the server names is not there. Mount it, or correct the path in Octopus, then start the backup again.',
  },
  FolderEmptied: {
    retry: false,
    advice:
      'A folder that held files in the last backup is empty now. Check that its disk or share is mounted; if it was emptied on purpose, put one file into it and start the backup again.',
  },
  FolderUnreadable: {
    retry: false,
    advice: 'Give the account that the worker runs under the right to list and read this folder.',
  },
  DumpMissing: {
    retry: false,
    advice:
      'SQL Server reported a finished backup, but the worker does not see the file. Check that both paths of the share in octo.yml name the same folder.',
  },
  DumpTruncated: {
    retry: false,
    advice:
      'The backup file is shorter than SQL Server reported. Check the free space of the share and start the backup again.',
  },
  DumpChanged: {
    retry: true,
    advice: 'The backup file changed while it was stored. Make sure that nothing else writes to the share.',
  },
  SectionMissing: {
    retry: false,
    advice: 'A step of this backup left nothing behind, so the archive cannot be sealed. Start a new backup.',
  },
  ArchiveUnknown: {
    retry: false,
    advice: 'No such archive is in the store. `/octo backup list` shows those that are.',
  },
  ArchiveDamaged: {
    retry: false,
    advice:
      'Do not restore from this archive. Run `/octo backup verify` on it to see what is damaged and which other archives share it, and take a new backup now.',
  },
  ArchiveTooNew: {
    retry: false,
    advice: 'This archive was written by a newer version of the program. Install that version to read it.',
  },
  PackMissing: {
    retry: false,
    advice:
      'Data that this backup relies on is not in the store. Find out who deleted it; the next backup stores it again.',
  },
  PackDamaged: {
    retry: false,
    advice:
      'Data that this backup relies on was found damaged while it ran, so there is no archive of it. Start a new backup: it reads those files again and stores them anew.',
  },
  PathRefused: {
    retry: false,
    advice:
      'The index names a path outside its folder, so it was not written by this program or was tampered with. Do not use this archive; report it.',
  },
  TargetNotEmpty: {
    retry: false,
    advice: 'Files are only extracted into an empty or new folder. Choose another one, or empty it first.',
  },
  FileUnknown: {
    retry: false,
    advice: 'The archive holds no file of that name. Paths begin with the name of the place, e.g. `task-logs/`.',
  },
});
