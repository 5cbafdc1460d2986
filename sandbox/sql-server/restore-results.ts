/** The result sets of RESTORE HEADERONLY, FILELISTONLY and LABELONLY. Columns in the documented order and types. */
import type { BackupSet } from './backup-file.ts';
import { localTime, PAGE_BYTES } from './instance.ts';
import type { Instance } from './instance.ts';
import type { Column } from './tds/tokens.ts';
import { parseType } from './tds/types.ts';
import type { SqlValue } from './tds/values.ts';

type Cell = readonly [name: string, type: string, value: SqlValue];
type Result = { columns: Column[]; rows: SqlValue[][] };

const bit = (value: boolean): number => (value ? 1 : 0);

const resultOf = (rows: Cell[][]): Result => ({
  columns: (rows[0] ?? []).map(([name, type]) => ({
    name,
    type: parseType(type) ?? { name: 'nvarchar', length: 'max' },
  })),
  rows: rows.map((row) => row.map(([, , value]) => value)),
});

const SYSNAME = 'nvarchar(128)';
const GUID = 'uniqueidentifier';
const LSN = 'numeric(25,0)';
const INCOMPLETE = '*** INCOMPLETE ***';

/** One row; a set that was never finished shows as `*** INCOMPLETE ***` with nothing else known. */
export const headerRows = (instance: Instance, set: BackupSet): Result => {
  const { header, trailer } = set;
  const { database } = header;
  const row: Cell[] = [
    ['BackupName', SYSNAME, header.name],
    ['BackupDescription', 'nvarchar(255)', header.description],
    ['BackupType', 'smallint', 1],
    ['ExpirationDate', 'datetime', null],
    ['Compressed', 'bit', bit(header.isCompressed)],
    ['Position', 'smallint', 1],
    ['DeviceType', 'tinyint', 2],
    ['UserName', SYSNAME, header.userName],
    ['ServerName', SYSNAME, header.serverName],
    ['DatabaseName', SYSNAME, database.name],
    ['DatabaseVersion', 'int', 900 + header.majorVersion],
    ['DatabaseCreationDate', 'datetime', localTime(instance, database.createdAt)],
    ['BackupSize', 'numeric(20,0)', header.pageCount * PAGE_BYTES],
    ['FirstLSN', LSN, 1],
    ['LastLSN', LSN, 2],
    ['CheckpointLSN', LSN, 1],
    ['DatabaseBackupLSN', LSN, 0],
    ['BackupStartDate', 'datetime', localTime(instance, header.startedAt)],
    ['BackupFinishDate', 'datetime', localTime(instance, trailer?.finishedAt ?? header.startedAt)],
    ['SortOrder', 'smallint', 52],
    ['CodePage', 'smallint', 0],
    ['UnicodeLocaleId', 'int', 1033],
    ['UnicodeComparisonStyle', 'int', 196609],
    ['CompatibilityLevel', 'tinyint', database.compatibilityLevel],
    ['SoftwareVendorId', 'int', 4608],
    ['SoftwareVersionMajor', 'int', header.majorVersion],
    ['SoftwareVersionMinor', 'int', 0],
    ['SoftwareVersionBuild', 'int', 4000],
    ['MachineName', SYSNAME, header.serverName],
    ['Flags', 'int', 512 + (header.hasChecksums ? 16 : 0)],
    ['BindingID', GUID, database.guid],
    ['RecoveryForkID', GUID, database.guid],
    ['Collation', SYSNAME, database.collation],
    ['FamilyGUID', GUID, database.familyGuid],
    ['HasBulkLoggedData', 'bit', 0],
    ['IsSnapshot', 'bit', 0],
    ['IsReadOnly', 'bit', bit(database.isReadOnly)],
    ['IsSingleUser', 'bit', bit(database.userAccess === 'SINGLE_USER')],
    ['HasBackupChecksums', 'bit', bit(header.hasChecksums)],
    ['IsDamaged', 'bit', 0],
    ['BeginsLogChain', 'bit', 0],
    ['HasIncompleteMetaData', 'bit', 0],
    ['IsForceOffline', 'bit', 0],
    ['IsCopyOnly', 'bit', bit(header.isCopyOnly)],
    ['FirstRecoveryForkID', GUID, database.guid],
    ['ForkPointLSN', LSN, null],
    ['RecoveryModel', 'nvarchar(60)', database.recoveryModel],
    ['DifferentialBaseLSN', LSN, null],
    ['DifferentialBaseGUID', GUID, null],
    ['BackupTypeDescription', 'nvarchar(60)', 'Database'],
    ['BackupSetGUID', GUID, header.setGuid],
    ['CompressedBackupSize', 'bigint', set.sizeBytes],
    ['containment', 'tinyint', 0],
    ['KeyAlgorithm', 'nvarchar(32)', null],
    ['EncryptorThumbprint', 'varbinary(20)', null],
    ['EncryptorType', 'nvarchar(32)', null],
  ];
  if (trailer !== null) return resultOf([row]);
  return resultOf([
    row.map(([name, type]) => [name, type, name === 'BackupName' ? INCOMPLETE : name === 'Position' ? 1 : null]),
  ]);
};

export const fileListRows = (_instance: Instance, { header }: BackupSet): Result =>
  resultOf(
    header.database.files.map((file, i): Cell[] => [
      ['LogicalName', SYSNAME, file.logicalName],
      ['PhysicalName', 'nvarchar(260)', file.path],
      ['Type', 'char(1)', file.type],
      ['FileGroupName', SYSNAME, file.type === 'D' ? 'PRIMARY' : null],
      ['Size', 'numeric(20,0)', file.type === 'D' ? header.pageCount * PAGE_BYTES : file.sizeBytes],
      ['MaxSize', 'numeric(20,0)', 35_184_372_080_640],
      ['FileID', 'bigint', i + 1],
      ['CreateLSN', LSN, 0],
      ['DropLSN', LSN, 0],
      ['UniqueID', GUID, header.database.guid],
      ['ReadOnlyLSN', LSN, 0],
      ['ReadWriteLSN', LSN, 0],
      ['BackupSizeInBytes', 'bigint', file.type === 'D' ? header.pageCount * PAGE_BYTES : 0],
      ['SourceBlockSize', 'int', 512],
      ['FileGroupID', 'int', file.type === 'D' ? 1 : 0],
      ['LogGroupGUID', GUID, null],
      ['DifferentialBaseLSN', LSN, 0],
      ['DifferentialBaseGUID', GUID, null],
      ['IsReadOnly', 'bit', 0],
      ['IsPresent', 'bit', 1],
      ['TDEThumbprint', 'varbinary(32)', null],
      ['SnapshotURL', 'nvarchar(360)', null],
    ]),
  );

export const labelRows = (instance: Instance, { header }: BackupSet): Result =>
  resultOf([
    [
      ['MediaName', SYSNAME, null],
      ['MediaSetId', GUID, header.mediaGuid],
      ['FamilyCount', 'int', 1],
      ['FamilySequenceNumber', 'int', 1],
      ['MediaFamilyId', GUID, header.mediaGuid],
      ['MediaSequenceNumber', 'int', 1],
      ['MediaLabelPresent', 'tinyint', 0],
      ['MediaDescription', 'nvarchar(255)', null],
      ['SoftwareName', SYSNAME, 'Microsoft SQL Server'],
      ['SoftwareVendorId', 'int', 4608],
      ['MediaDate', 'datetime', localTime(instance, header.startedAt)],
      ['Mirror_Count', 'int', 1],
      ['IsCompressed', 'bit', bit(header.isCompressed)],
    ],
  ]);
