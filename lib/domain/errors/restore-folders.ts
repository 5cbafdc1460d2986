/** Error codes of bringing folders and files back. See `entry.ts`. */
import { errorGroup } from './entry.ts';

export const restoreFoldersErrors = errorGroup({
  FolderNotWritable: {
    retry: false,
    advice: 'Give the account that the worker runs under full control of this folder, then start the restore again.',
  },
  FolderDiskFull: {
    retry: false,
    advice: 'Free the space that is named on this disk, or enlarge it, then start the restore again.',
  },
  FolderInTheWay: {
    retry: false,
    advice:
      'Something else lies where a folder of this restore has to go. Look at both, move away what does not belong there, and try again; nothing was overwritten.',
  },
  FolderNotMovable: {
    retry: true,
    advice:
      'Find out what holds files in this folder open (an antivirus, a shell, Octopus itself) or which right the worker lacks, end that, and try again.',
  },
  FolderNotRemovable: {
    retry: false,
    advice: 'What is left of this restore takes space and does no harm. Remove the folder that is named by hand.',
  },
  FolderLost: {
    retry: false,
    advice:
      'A folder that this restore had put aside or prepared is gone. Find out who moved it and put it back under the name that is given, then try again.',
  },
  LinkRefused: {
    retry: false,
    advice:
      'The archive holds a link that leads out of its folder. If it is meant to, make the same link on the target first and start the restore again; if not, do not use this archive.',
  },
  ServerFolderRefused: {
    retry: false,
    advice:
      'Files are only copied to a place of their own. Choose a folder that neither Octopus nor this program works with; `/octo restore` puts files back into the server.',
  },
});
