/** Error codes of SQL Server and of the connection to it: see `entry.ts`. Numbers are mapped in `adapters/sql-server-errors.ts`. */
import { errorGroup } from './entry.ts';

export const sqlServerErrors = errorGroup({
  DatabaseConnectionInvalid: {
    retry: false,
    advice:
      'Correct the connection string of this instance: it needs a server, a user and a password, as in "Server=sql01,1433;User Id=octo;Password=…;Encrypt=true".',
  },
  WindowsLoginUnsupported: {
    retry: false,
    advice:
      'Remove "Integrated Security" from the connection string and give the bot a SQL Server login (or "User Id=DOMAIN\\user;Password=…"): the driver cannot use the Windows account it runs under.',
  },
  DatabaseUnreachable: {
    retry: true,
    advice: 'Check that SQL Server runs and that its host and port can be reached from the worker, then try again.',
  },
  DatabaseEncryptionRefused: {
    retry: false,
    advice:
      'Give SQL Server a certificate that this host trusts and that carries the name in the connection string, or set "TrustServerCertificate=true" if the network between them is safe.',
  },
  DatabaseLoginRefused: {
    retry: false,
    advice: 'Check user and password of the connection string, and that SQL Server allows SQL Server authentication.',
  },
  DatabaseNotAccessible: {
    retry: false,
    advice: 'Check that the database is online and that the login is mapped to a user in it.',
  },
  DatabaseUnknown: {
    retry: false,
    advice: 'Check the name of the database in the configuration: this server has none of that name.',
  },
  DatabaseExists: {
    retry: false,
    advice:
      'SQL Server has a database of that name already. Find out what it is; rename or remove it if it is not needed, then try again.',
  },
  DatabaseSwapped: {
    retry: false,
    advice:
      'Another database has this name than the one that was meant, so nothing was renamed. Compare the databases in SQL Server with the ones the message names before anything else.',
  },
  DatabaseOwnerRefused: {
    retry: false,
    advice:
      'SQL Server does not take this login as owner of the database, because it is a user in it. Set the owner by hand with ALTER AUTHORIZATION when that user is gone, or leave it.',
  },
  OwnerNotGranted: {
    retry: false,
    advice:
      'Make the login that Octopus uses, and give it db_owner in the restored database by hand; the bot needs dbcreator, or ownership of the database, to do that itself.',
  },
  DatabaseRightsMissing: {
    retry: false,
    advice:
      'Grant the login what is missing: db_backupoperator in the database to back up, dbcreator on the server to read and restore backups, VIEW SERVER STATE to watch them.',
  },
  DatabaseConnectionLost: {
    retry: true,
    advice:
      'The connection to SQL Server broke and the work was not finished. Check the network and the error log of SQL Server, then try again.',
  },
  DatabaseTimeout: {
    retry: true,
    advice: 'SQL Server did not answer in time. Check what it is busy with, then try again.',
  },
  DatabaseStalled: {
    retry: true,
    advice:
      'SQL Server reported no progress for too long and was told to stop. Look at its disks and at the share it writes to, then try again.',
  },
  DatabaseBusy: {
    retry: true,
    advice: 'Another backup, restore or file operation holds the database. Wait for it, or stop it in SQL Server.',
  },
  DatabaseInUse: { retry: true, advice: 'Others are connected to the database. Stop what uses it, then try again.' },
  DatabaseLocked: { retry: true, advice: 'Other work in SQL Server was in the way for a moment. Try again.' },
  DatabaseOffline: {
    retry: false,
    advice:
      'The database is offline, restoring, recovering or suspect. Look at its state in SQL Server and bring it online first.',
  },
  DatabaseOnSecondary: {
    retry: false,
    advice:
      'This server holds a secondary replica of the database. Point the connection string at the primary or at the listener.',
  },
  DatabaseDamaged: {
    retry: false,
    advice:
      'SQL Server met a damaged page. Run DBCC CHECKDB and check the storage; do not count on new backups until it is clean.',
  },
  DatabaseDiskFull: {
    retry: false,
    advice:
      'Free space on the disk that SQL Server writes to, or point the backup share at a larger one, then try again.',
  },
  DatabaseLogFull: {
    retry: false,
    advice: 'The transaction log is full. Back it up or give it space, then try again.',
  },
  DatabaseMemoryShort: { retry: true, advice: 'SQL Server is short of memory. Try again when it has less to do.' },
  DatabaseError: {
    retry: false,
    advice: 'SQL Server refused the statement. Look up the error number in its documentation and its error log.',
  },
  BackupFolderMissing: {
    retry: false,
    advice:
      'Create the backup folder on the host of SQL Server, or correct its path in the configuration; mapped drive letters are not seen by the service.',
  },
  BackupFileMissing: {
    retry: false,
    advice:
      'The backup file is not where SQL Server looks for it. Check its path as the host of SQL Server sees it, and whether somebody removed it.',
  },
  BackupFolderDenied: {
    retry: false,
    advice:
      'Give the service account of SQL Server the right to write to the backup folder, on the share as well as on the disk.',
  },
  BackupDeviceFailed: {
    retry: true,
    advice:
      'SQL Server could not read or write the backup file. Check disk, share and network between them, then try again.',
  },
  BackupStopped: {
    retry: true,
    advice: 'Somebody or something stopped the backup or restore in SQL Server. Find out who, then try again.',
  },
  BackupDamaged: {
    retry: false,
    advice: 'The backup file is damaged. Do not use it; take a new backup and check the storage it lay on.',
  },
  BackupIncomplete: { retry: false, advice: 'The backup file was never finished. Discard it and take a new backup.' },
  BackupUnreadable: {
    retry: false,
    advice: 'The file is not a SQL Server backup, or only a piece of one. Copy it again or choose another.',
  },
  BackupUnchecked: {
    retry: false,
    advice: 'The backup was made without checksums and cannot be verified. Take a new one WITH CHECKSUM.',
  },
  BackupNewer: {
    retry: false,
    advice: 'The backup comes from a newer SQL Server. Restore it on a server of the same or a newer version.',
  },
  BackupOfOther: {
    retry: false,
    advice: 'The backup holds another database than the target. Compare the names before anything is overwritten.',
  },
  BackupOverwritesLog: {
    retry: false,
    advice:
      "The end of the target's log is in no backup yet. Back it up first, or let a person decide to overwrite it.",
  },
  BackupEncrypted: {
    retry: false,
    advice: 'Install the certificate that the backup was encrypted with on this server, then try again.',
  },
  BackupStriped: {
    retry: false,
    advice: 'The backup is spread over several files and all of them are needed. Take one into a single file.',
  },
  RestorePathRefused: {
    retry: false,
    advice:
      'SQL Server cannot put the restored files there. Choose an existing folder and file names that no other database uses.',
  },
  EditionLacksFeature: {
    retry: false,
    advice:
      'This edition of SQL Server does not offer what was asked, as Express does not compress backups. Turn the setting off.',
  },
  EditionTooSmall: {
    retry: false,
    advice: 'The database is larger than this edition of SQL Server allows. Use another edition.',
  },
});
