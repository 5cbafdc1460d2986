/** The result sets of RESTORE HEADERONLY, FILELISTONLY and LABELONLY. Columns in the documented order and types. */
import type { BackupSet } from './file.ts';
import { localTime, PAGE_BYTES } from '../instance.ts';
import type { Instance } from '../instance.ts';
import type { Column } from '../tds/tokens.ts';
import { parseType } from '../tds/types.ts';
import type { SqlValue } from '../tds/values.ts';

type Result = { columns: Column[]; rows: SqlValue[][] };

/** A column of a result set: name, type, and its value for one set. */
type Field<Of> = readonly [name: string, type: string, value: (of: Of) => SqlValue];

const bit = (value: boolean): number => (value ? 1 : 0);

const resultOf = <Of>(fields: readonly Field<Of>[], items: readonly Of[]): Result => ({
  columns: fields.map(([name, type]) => ({ name, type: parseType(type) ?? { name: 'nvarchar', length: 'max' } })),
  rows: items.map((item) => fields.map(([, , value]) => value(item))),
});

const SYSNAME = 'nvarchar(128)';
const GUID = 'uniqueidentifier';
const LSN = 'numeric(25,0)';
const INCOMPLETE = '*** INCOMPLETE ***';

type HeaderOf = {
  instance: Instance;
  set: BackupSet;
  header: BackupSet['header'];
  database: BackupSet['header']['database'];
};

const HEADER: readonly Field<HeaderOf>[] = [
  ['BackupName', SYSNAME, ({ header }) => header.name],
  ['BackupDescription', 'nvarchar(255)', ({ header }) => header.description],
  ['BackupType', 'smallint', () => 1],
  ['ExpirationDate', 'datetime', () => null],
  ['Compressed', 'bit', ({ header }) => bit(header.isCompressed)],
  ['Position', 'smallint', () => 1],
  ['DeviceType', 'tinyint', () => 102],
  ['UserName', SYSNAME, ({ header }) => header.userName],
  ['ServerName', SYSNAME, ({ header }) => header.serverName],
  ['DatabaseName', SYSNAME, ({ database }) => database.name],
  ['DatabaseVersion', 'int', ({ header }) => 900 + header.majorVersion],
  ['DatabaseCreationDate', 'datetime', ({ instance, database }) => localTime(instance, database.createdAt)],
  ['BackupSize', 'numeric(20,0)', ({ header }) => header.pageCount * PAGE_BYTES],
  ['FirstLSN', LSN, () => 1],
  ['LastLSN', LSN, () => 2],
  ['CheckpointLSN', LSN, () => 1],
  ['DatabaseBackupLSN', LSN, () => 0],
  ['BackupStartDate', 'datetime', ({ instance, header }) => localTime(instance, header.startedAt)],
  [
    'BackupFinishDate',
    'datetime',
    ({ instance, set, header }) => localTime(instance, set.trailer?.finishedAt ?? header.startedAt),
  ],
  ['SortOrder', 'smallint', () => 52],
  ['CodePage', 'smallint', () => 0],
  ['UnicodeLocaleId', 'int', () => 1033],
  ['UnicodeComparisonStyle', 'int', () => 196609],
  ['CompatibilityLevel', 'tinyint', ({ database }) => database.compatibilityLevel],
  ['SoftwareVendorId', 'int', () => 4608],
  ['SoftwareVersionMajor', 'int', ({ header }) => header.majorVersion],
  ['SoftwareVersionMinor', 'int', () => 0],
  ['SoftwareVersionBuild', 'int', () => 4000],
  ['MachineName', SYSNAME, ({ header }) => header.serverName],
  ['Flags', 'int', ({ header }) => 512 + (header.hasChecksums ? 16 : 0)],
  ['BindingID', GUID, ({ database }) => database.guid],
  ['RecoveryForkID', GUID, ({ database }) => database.guid],
  ['Collation', SYSNAME, ({ database }) => database.collation],
  ['FamilyGUID', GUID, ({ database }) => database.familyGuid],
  ['HasBulkLoggedData', 'bit', () => 0],
  ['IsSnapshot', 'bit', () => 0],
  ['IsReadOnly', 'bit', ({ database }) => bit(database.isReadOnly)],
  ['IsSingleUser', 'bit', ({ database }) => bit(database.userAccess === 'SINGLE_USER')],
  ['HasBackupChecksums', 'bit', ({ header }) => bit(header.hasChecksums)],
  ['IsDamaged', 'bit', () => 0],
  ['BeginsLogChain', 'bit', () => 0],
  ['HasIncompleteMetaData', 'bit', () => 0],
  ['IsForceOffline', 'bit', () => 0],
  ['IsCopyOnly', 'bit', ({ header }) => bit(header.isCopyOnly)],
  ['FirstRecoveryForkID', GUID, ({ database }) => database.guid],
  ['ForkPointLSN', LSN, () => null],
  ['RecoveryModel', 'nvarchar(60)', ({ database }) => database.recoveryModel],
  ['DifferentialBaseLSN', LSN, () => null],
  ['DifferentialBaseGUID', GUID, () => null],
  ['BackupTypeDescription', 'nvarchar(60)', () => 'Database'],
  ['BackupSetGUID', GUID, ({ header }) => header.setGuid],
  ['CompressedBackupSize', 'bigint', ({ set }) => set.sizeBytes],
  ['containment', 'tinyint', () => 0],
  ['KeyAlgorithm', 'nvarchar(32)', () => null],
  ['EncryptorThumbprint', 'varbinary(20)', () => null],
  ['EncryptorType', 'nvarchar(32)', () => null],
];

/** One row; a set that was never finished shows as `*** INCOMPLETE ***` with nothing else known. */
export const headerRows = (instance: Instance, set: BackupSet): Result => {
  const { header } = set;
  const fields = set.trailer === null ? HEADER.map(incomplete) : HEADER;
  return resultOf(fields, [{ instance, set, header, database: header.database }]);
};

const incomplete = ([name, type, value]: Field<HeaderOf>): Field<HeaderOf> => {
  if (name === 'BackupName') return [name, type, () => INCOMPLETE];
  return [name, type, name === 'Position' ? value : () => null];
};

type FileOf = { header: BackupSet['header']; file: BackupSet['header']['database']['files'][number]; i: number };

const FILES: readonly Field<FileOf>[] = [
  ['LogicalName', SYSNAME, ({ file }) => file.logicalName],
  ['PhysicalName', 'nvarchar(260)', ({ file }) => file.path],
  ['Type', 'char(1)', ({ file }) => file.type],
  ['FileGroupName', SYSNAME, ({ file }) => (file.type === 'D' ? 'PRIMARY' : null)],
  ['Size', 'numeric(20,0)', ({ file, header }) => (file.type === 'D' ? header.pageCount * PAGE_BYTES : file.sizeBytes)],
  ['MaxSize', 'numeric(20,0)', () => 35_184_372_080_640],
  ['FileID', 'bigint', ({ i }) => i + 1],
  ['CreateLSN', LSN, () => 0],
  ['DropLSN', LSN, () => 0],
  ['UniqueID', GUID, ({ header }) => header.database.guid],
  ['ReadOnlyLSN', LSN, () => 0],
  ['ReadWriteLSN', LSN, () => 0],
  ['BackupSizeInBytes', 'bigint', ({ file, header }) => (file.type === 'D' ? header.pageCount * PAGE_BYTES : 0)],
  ['SourceBlockSize', 'int', () => 512],
  ['FileGroupID', 'int', ({ file }) => (file.type === 'D' ? 1 : 0)],
  ['LogGroupGUID', GUID, () => null],
  ['DifferentialBaseLSN', LSN, () => 0],
  ['DifferentialBaseGUID', GUID, () => null],
  ['IsReadOnly', 'bit', () => 0],
  ['IsPresent', 'bit', () => 1],
  ['TDEThumbprint', 'varbinary(32)', () => null],
  ['SnapshotURL', 'nvarchar(360)', () => null],
];

export const fileListRows = (_instance: Instance, { header }: BackupSet): Result =>
  resultOf(
    FILES,
    header.database.files.map((file, i) => ({ header, file, i })),
  );

const LABEL: readonly Field<Pick<HeaderOf, 'instance' | 'header'>>[] = [
  ['MediaName', SYSNAME, () => null],
  ['MediaSetId', GUID, ({ header }) => header.mediaGuid],
  ['FamilyCount', 'int', () => 1],
  ['FamilySequenceNumber', 'int', () => 1],
  ['MediaFamilyId', GUID, ({ header }) => header.mediaGuid],
  ['MediaSequenceNumber', 'int', () => 1],
  ['MediaLabelPresent', 'tinyint', () => 0],
  ['MediaDescription', 'nvarchar(255)', () => null],
  ['SoftwareName', SYSNAME, () => 'Microsoft SQL Server'],
  ['SoftwareVendorId', 'int', () => 4608],
  ['MediaDate', 'datetime', ({ instance, header }) => localTime(instance, header.startedAt)],
  ['Mirror_Count', 'int', () => 1],
  ['IsCompressed', 'bit', ({ header }) => bit(header.isCompressed)],
];

export const labelRows = (instance: Instance, { header }: BackupSet): Result => resultOf(LABEL, [{ instance, header }]);
