/**
 * SQL Server's messages by number, and how a statement fails with them.
 *
 * Numbers, severities and the sense of the texts follow Microsoft's list of engine events and errors.
 */
import type { ServerMessage } from './tds/tokens.ts';

const CATALOGUE: Record<number, readonly [severity: number, text: string]> = {
  102: [15, "Incorrect syntax near '{0}'."],
  105: [15, "Unclosed quotation mark after the character string '{0}'."],
  137: [15, 'Must declare the scalar variable "{0}".'],
  195: [15, "'{0}' is not a recognized built-in function name."],
  207: [16, "Invalid column name '{0}'."],
  208: [16, "Invalid object name '{0}'."],
  229: [14, "The SELECT permission was denied on the object '{0}'."],
  262: [14, "{0} permission denied in database '{1}'."],
  300: [14, "VIEW SERVER STATE permission was denied on object 'server', database 'master'."],
  515: [16, "Cannot insert the value NULL into column '{0}'; column does not allow nulls."],
  547: [16, 'The statement conflicted with a constraint: {0}.'],
  596: [21, 'Cannot continue the execution because the session is in the kill state.'],
  911: [16, "Database '{0}' does not exist. Make sure that the name is entered correctly."],
  916: [14, 'The server principal "{0}" is not able to access the database "{1}" under the current security context.'],
  922: [14, "Database '{0}' is being recovered. Waiting until recovery is finished."],
  924: [14, "Database '{0}' is already open and can only have one user at a time."],
  927: [14, "Database '{0}' cannot be opened. It is in the middle of a restore."],
  942: [14, "Database '{0}' cannot be opened because it is offline."],
  1205: [
    13,
    'Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim.',
  ],
  1801: [16, "Database '{0}' already exists. Choose a different database name."],
  1802: [16, 'CREATE DATABASE failed. Some file names listed could not be created. Check related errors.'],
  1844: [16, '{0} is not supported on {1}.'],
  1913: [16, "The operation failed because an index or statistics with name '{0}' already exists."],
  2627: [14, 'Violation of a PRIMARY KEY or UNIQUE constraint: {0}. Cannot insert duplicate key.'],
  2714: [16, "There is already an object named '{0}' in the database."],
  2812: [16, "Could not find stored procedure '{0}'."],
  3013: [16, '{0} is terminating abnormally.'],
  3014: [0, '{0} successfully processed {1} pages in {2} seconds ({3} MB/sec).'],
  3021: [16, 'Cannot perform a backup or restore operation within a transaction.'],
  3023: [
    16,
    'Backup, file manipulation operations and encryption changes on a database must be serialized. Reissue the statement.',
  ],
  3043: [16, "BACKUP '{0}' detected an error on page (1:{1}) in file '{2}'."],
  3101: [16, 'Exclusive access could not be obtained because the database is in use.'],
  3102: [16, "RESTORE cannot process database '{0}' because it is in use by this session."],
  3110: [14, "User does not have permission to RESTORE database '{0}'."],
  3119: [16, 'Problems were identified while planning for the RESTORE statement. Previous messages provide details.'],
  3141: [16, "The database to be restored was named '{0}'. Reissue the statement using the WITH REPLACE option."],
  3154: [16, "The backup set holds a backup of a database other than the existing '{0}' database."],
  3156: [16, "File '{0}' cannot be restored to '{1}'. Use WITH MOVE to identify a valid location for the file."],
  3159: [
    16,
    "The tail of the log for the database '{0}' has not been backed up. Use WITH REPLACE to overwrite the contents of the log.",
  ],
  3169: [
    16,
    'The database was backed up on a server running version {0}. That version is incompatible with this server, which is running version {1}.',
  ],
  3176: [
    16,
    "File '{0}' is claimed by '{1}' and '{2}'. The WITH MOVE clause can be used to relocate one or more files.",
  ],
  3183: [16, "RESTORE detected an error on page (1:{0}) in database '{1}' as read from the backup set."],
  3187: [16, 'RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information.'],
  3189: [16, 'Damage to the backup set was detected.'],
  3201: [16, "Cannot open backup device '{0}'. Operating system error {1}."],
  3202: [16, 'Write on "{0}" failed: {1}'],
  3203: [16, 'Read on "{0}" failed: {1}'],
  3204: [16, 'The backup or restore was aborted.'],
  3211: [10, '{0} percent processed.'],
  3234: [
    16,
    "Logical file '{0}' is not part of database '{1}'. Use RESTORE FILELISTONLY to list the logical file names.",
  ],
  3241: [16, "The media family on device '{0}' is incorrectly formed. SQL Server cannot process this media family."],
  3242: [16, "The file on device '{0}' is not a valid Microsoft Tape Format backup set."],
  3254: [16, "The volume on device '{0}' is empty."],
  3256: [
    16,
    "The backup set on device '{0}' was terminated while it was being created and is incomplete. RESTORE sequence is terminated abnormally.",
  ],
  3257: [
    16,
    "There is insufficient free space on disk volume '{0}' to create the database. The database requires {1} additional free bytes, while only {2} bytes are available.",
  ],
  3262: [0, 'The backup set on file 1 is valid.'],
  3702: [16, "Cannot drop database '{0}' because it is currently in use."],
  3701: [11, "Cannot drop the object '{0}', because it does not exist or you do not have permission."],
  3902: [16, 'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.'],
  3903: [16, 'The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.'],
  4035: [0, "Processed {0} pages for database '{1}', file '{2}' on file 1."],
  4060: [11, 'Cannot open database "{0}" requested by the login. The login failed.'],
  5011: [
    14,
    "User does not have permission to alter database '{0}', the database does not exist, or it is not in a state that allows access checks.",
  ],
  5030: [16, 'The database could not be exclusively locked to perform the operation.'],
  5170: [16, "Cannot create file '{0}' because it already exists. Change the file path or the file name, and retry."],
  5701: [10, "Changed database context to '{0}'."],
  5703: [10, 'Changed language setting to us_english.'],
  6104: [16, 'Cannot use KILL to kill your own process.'],
  6106: [16, 'Process ID {0} is not an active process ID.'],
  8003: [16, 'The incoming request has too many parameters. The server supports a maximum of 2100 parameters.'],
  8009: [16, 'The incoming tabular data stream (TDS) protocol stream is incorrect: {0}.'],
  8144: [16, 'The request has too many or too few arguments.'],
  8152: [16, 'String or binary data would be truncated.'],
  9772: [
    16,
    'The Service Broker in database "{0}" cannot be enabled because there is already an enabled Service Broker with the same ID.',
  ],
  10738: [
    15,
    'The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row values.',
  ],
  15007: [16, "'{0}' is not a valid login or you do not have permission."],
  15110: [16, 'The proposed new database owner is already a user or aliased in the database.'],
  15023: [16, "User, group, or role '{0}' already exists in the current database."],
  15151: [16, "Cannot find the object '{0}', because it does not exist or you do not have permission."],
  15233: [16, "Property cannot be added. Property '{0}' already exists for 'object specified'."],
  18456: [14, "Login failed for user '{0}'."],
  40517: [16, "Keyword or statement option '{0}' is not supported in this version of SQL Server."],
};

export const message = (number: number, ...values: (string | number)[]): ServerMessage => {
  const [severity, text] = CATALOGUE[number] ?? [16, `Message ${number}`];
  return { number, severity, state: 1, text: text.replace(/\{(\d)\}/g, (_, i: string) => String(values[Number(i)])) };
};

/** What a failing statement throws: the messages the client gets, in order; the cause comes first. */
export type Failure = Error & { serverMessages: ServerMessage[] };

export const failure = (...serverMessages: ServerMessage[]): Failure =>
  Object.assign(new Error(serverMessages.map(({ number, text }) => `${number}: ${text}`).join(' ')), {
    serverMessages,
  });

export const isFailure = (thrown: unknown): thrown is Failure => thrown instanceof Error && 'serverMessages' in thrown;

/** Backup and restore follow their cause with 3013. */
export const terminating = (statement: string, ...causes: ServerMessage[]): Failure =>
  failure(...causes, message(3013, statement));
