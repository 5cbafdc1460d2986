/**
 * SQL Server's error numbers and the driver's codes, as codes of our own.
 *
 * Errors come in groups whose last member (3013) says nothing: the first one with a known number is the cause. The operating
 * system's error number is the one thing that is read from a text, since 3201 to 3203 carry it nowhere else.
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
 */
import { OctoError } from '../../domain/errors.ts';
import type { ErrorCode, Facts } from '../../domain/errors.ts';

const NUMBERS: readonly (readonly [ErrorCode, ...number[]])[] = [
  ['DatabaseLoginRefused', 18456, 18452, 18470, 18486, 18487, 18488],
  ['DatabaseNotAccessible', 4060, 4064, 916],
  ['DatabaseUnknown', 911, 5002],
  ['DatabaseRightsMissing', 262, 229, 297, 300, 3110, 5011, 15151, 15247],
  ['DatabaseExists', 1801],
  ['DatabaseOwnerRefused', 15110],
  ['DatabaseBusy', 3023],
  ['DatabaseInUse', 924, 1807, 3101, 3102, 3702, 5030, 5061, 5064, 5070],
  ['DatabaseLocked', 1205, 1222],
  ['DatabaseOffline', 921, 922, 923, 926, 927, 942, 945, 952],
  ['DatabaseOnSecondary', 976, 978, 983, 3059, 3104],
  ['DatabaseDamaged', 823, 824, 825, 3043],
  ['DatabaseDiskFull', 1101, 1105, 3257],
  ['DatabaseLogFull', 9002],
  ['DatabaseMemoryShort', 701, 802],
  ['BackupStopped', 596, 3204],
  ['BackupDamaged', 3182, 3183, 3186, 3189, 3271],
  ['BackupIncomplete', 3256],
  ['BackupUnreadable', 3208, 3241, 3242, 3243, 3254],
  ['BackupUnchecked', 3187],
  ['BackupNewer', 943, 948, 3168, 3169],
  ['BackupOfOther', 3141, 3154],
  ['BackupOverwritesLog', 3159],
  ['BackupEncrypted', 3095, 3096, 33111],
  ['BackupStriped', 3132, 3231],
  ['BackupDeviceFailed', 3201, 3202, 3203],
  ['RestorePathRefused', 3142, 3156, 3176, 3234],
  ['EditionLacksFeature', 1844],
  ['EditionTooSmall', 1827],
];

const codeOfNumber = new Map(NUMBERS.flatMap(([code, ...numbers]) => numbers.map((number) => [number, code] as const)));

/** Every number that has a code of its own. */
export const knownNumbers: readonly number[] = [...codeOfNumber.keys()];

const DEVICE_ERRORS = new Set([3201, 3202, 3203]);
const OPERATING_SYSTEM: Record<number, ErrorCode> = {
  2: 'BackupFileMissing',
  3: 'BackupFolderMissing',
  53: 'BackupFolderMissing',
  67: 'BackupFolderMissing',
  5: 'BackupFolderDenied',
  1326: 'BackupFolderDenied',
  112: 'DatabaseDiskFull',
};

/** Codes of the driver for what happened outside SQL Server. */
const DRIVER: Record<string, ErrorCode> = {
  EENCRYPT: 'DatabaseEncryptionRefused',
  EINSTLOOKUP: 'DatabaseUnreachable',
  ELOGIN: 'DatabaseLoginRefused',
  ETIMEOUT: 'DatabaseTimeout',
  ESOCKET: 'DatabaseConnectionLost',
  ECONNRESET: 'DatabaseConnectionLost',
  ECLOSE: 'DatabaseConnectionLost',
  ECONNCLOSED: 'DatabaseConnectionLost',
};

/** What the driver throws: one error, the ones that came before it, and what lies beneath. */
type DriverError = Error & {
  code?: string;
  number?: number;
  precedingErrors?: DriverError[];
  originalError?: Error;
};

export type ServerError = { number: number; message: string };

/** All errors that SQL Server sent for one request, in its order. */
export const serverErrors = (thrown: unknown): ServerError[] => {
  const error = thrown as DriverError;
  return [...(error.precedingErrors ?? []), error].flatMap(({ number, message }) =>
    typeof number === 'number' ? [{ number, message }] : [],
  );
};

const operatingSystemNumber = (message: string): number => Number(/\b(\d+)\(/.exec(message)?.[1] ?? 0);

const codeOf = ({ number, message }: ServerError): ErrorCode | undefined =>
  (DEVICE_ERRORS.has(number) ? OPERATING_SYSTEM[operatingSystemNumber(message)] : undefined) ??
  codeOfNumber.get(number);

/** The first error of a group that has a code; with none, the first that is not 3013. */
const causeOf = (errors: readonly ServerError[]): { code: ErrorCode; error: ServerError } | null => {
  for (const error of errors) {
    const code = codeOf(error);
    if (code !== undefined) return { code, error };
  }
  const error = errors.find(({ number }) => number !== 3013) ?? errors[0];
  return error === undefined ? null : { code: 'DatabaseError', error };
};

export type Undertaking = {
  /** What was tried, as the beginning of the message: `backup of "Octopus"`. */
  what: string;
  facts?: Facts;
};

/** An error of the driver as ours. `errors` are those of SQL Server where the driver keeps them elsewhere (logins). */
export const translated = (thrown: unknown, { what, facts }: Undertaking, errors = serverErrors(thrown)): OctoError => {
  if (thrown instanceof OctoError) return thrown;
  const cause = causeOf(errors);
  if (cause !== null) {
    const { code, error } = cause;
    return new OctoError(code, `${what} failed: ${error.message}`, {
      cause: thrown,
      facts: { ...facts, number: error.number },
    });
  }
  const { code: driverCode, message } = thrown as DriverError;
  const code = isCertificateError(thrown) ? 'DatabaseEncryptionRefused' : DRIVER[driverCode ?? ''];
  return new OctoError(code ?? 'Bug', `${what} failed: ${message}`, { cause: thrown, ...(facts && { facts }) });
};

/** Node's codes for a certificate that it does not believe. */
const CERTIFICATE = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/;

const isCertificateError = (thrown: unknown): boolean => {
  for (let error = thrown; error instanceof Error; error = (error as DriverError).originalError ?? error.cause) {
    const { code } = error as DriverError;
    if (typeof code === 'string' && CERTIFICATE.test(code)) return true;
  }
  return false;
};

/** Was the connection lost, so that nobody told us how the work ended? */
export const isConnectionLost = (thrown: unknown): boolean =>
  serverErrors(thrown).length === 0 && DRIVER[(thrown as DriverError).code ?? ''] === 'DatabaseConnectionLost';

export const isCancelled = (thrown: unknown): boolean => (thrown as DriverError).code === 'ECANCEL';
