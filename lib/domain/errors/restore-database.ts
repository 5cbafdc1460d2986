/** Error codes of bringing a database back. See `entry.ts`. */
import { errorGroup } from './entry.ts';

export const restoreDatabaseErrors = errorGroup({
  LoadFileDamaged: {
    retry: true,
    advice:
      'What was written to the share is not what the archive holds. Look at the disk and the network of the share; the archive itself was read without a fault.',
  },
  RestoredCopyDiffers: {
    retry: false,
    advice:
      'The restored copy does not hold the rows that the archive promises, so it is not used. Verify the archive with /octo backup verify, or restore an older one.',
  },
  RestoredCopyDamaged: {
    retry: false,
    advice:
      'DBCC CHECKDB found damage in the restored copy, so it is not used. The damage may come from the source: run DBCC CHECKDB there, check the disks of this SQL Server, and restore an older archive.',
  },
  RestoreRoomMissing: {
    retry: false,
    advice:
      'Free the space that is named, or move other databases away, then start the restore again. The restored database lies beside the present one until the restore is over.',
  },
  DatabaseNotReturned: {
    retry: false,
    advice:
      'The database of the server is under neither of the names that this restore gave it. Look for its guid in sys.database_recovery_status and rename it back by hand before Octopus is started.',
  },
});
