/** Error codes of holding, keeping and deleting archives: see `entry.ts`. */
import { errorGroup } from './entry.ts';

export const retentionErrors = errorGroup({
  ArchiveHeld: {
    retry: false,
    advice:
      'The archive is held on purpose. Ask whoever holds it, release it with `octo backup release`, then ask again.',
  },
  ArchiveNeeded: {
    retry: false,
    advice: 'It is among the last good archives, and those are never deleted. Take newer good backups first.',
  },
  ArchiveInUse: {
    retry: false,
    advice: 'A restore, drill or verification reads this archive. Let it end or stop it, then ask again.',
  },
  ArchiveLocked: {
    retry: false,
    advice: 'The store lets nobody delete this archive before its lock ends. Ask again after that.',
  },
});
