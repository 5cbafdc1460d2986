/** What BACKUP and RESTORE have in common: device and options of the statement, operating system errors, pace and progress. */
import { dirname, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PAGES_PER_EXTENT } from './file.ts';
import { PAGE_BYTES } from '../instance.ts';
import { failure, isFailure, message, terminating } from '../messages.ts';
import type { Work } from '../statements.ts';
import type { ServerMessage } from '../tds/tokens.ts';
import { isMark, isWord, splitAtCommas, unexpected } from '../tsql/lexer.ts';
import type { Token } from '../tsql/lexer.ts';

const EXTENT_BYTES = PAGES_PER_EXTENT * PAGE_BYTES;

export type Media = {
  /** Null where the statement names none, as RESTORE HEADERONLY. */
  database: string | null;
  /** Null in `RESTORE DATABASE x WITH RECOVERY`. */
  path: string | null;
  /** Options by upper-case name; the value is empty for those that take none. */
  options: Map<string, string>;
  /** Target path by logical file name. */
  moves: Map<string, string>;
};

/** A name, literal or variable as text. */
const valueOf = ({ session }: Work, token: Token | undefined): string => {
  if (token === undefined || token.kind === 'mark') throw unexpected(token);
  return token.kind === 'variable' ? String(session.variable(token.text.toLowerCase()).value ?? '') : token.text;
};

const inBackupFolder = ({ instance }: Work, path: string): string =>
  isAbsolute(path) ? path : join(instance.paths.backup, path);

/** Reads `[database] TO|FROM DISK = path [WITH …]`; `known` are the options that are served. @throws 102, 40517 */
export const parseMedia = (work: Work, tokens: readonly Token[], known: readonly string[]): Media => {
  const withAt = tokens.findIndex((token) => isWord(token, 'WITH'));
  const head = withAt < 0 ? tokens : tokens.slice(0, withAt);
  const media: Media = { database: null, path: null, options: new Map(), moves: new Map() };
  let at = 0;
  if (!isWord(head[0], 'TO', 'FROM')) {
    media.database = valueOf(work, head[0]);
    at = 1;
  }
  if (isWord(head[at], 'TO', 'FROM')) {
    if (!isWord(head[at + 1], 'DISK'))
      throw isWord(head[at + 1], 'URL', 'TAPE') ? failure(message(40517, 'URL')) : unexpected(head[at + 1]);
    if (!isMark(head[at + 2], '=')) throw unexpected(head[at + 2]);
    media.path = inBackupFolder(work, valueOf(work, head[at + 3]));
    if (isMark(head[at + 4], ',')) throw failure(message(40517, 'striped media'));
    at += 4;
  }
  if (at < head.length) throw unexpected(head[at]);
  for (const option of withAt < 0 ? [] : splitAtCommas(tokens.slice(withAt + 1)))
    readOption(work, { option, media, known });
  return media;
};

const readOption = (
  work: Work,
  { option, media, known }: { option: Token[]; media: Media; known: readonly string[] },
): void => {
  const [name, second, third] = option;
  if (name?.kind !== 'word') throw unexpected(name);
  if (!known.includes(name.upper)) throw failure(message(40517, name.text));
  if (name.upper === 'MOVE')
    media.moves.set(valueOf(work, second).toLowerCase(), inBackupFolder(work, valueOf(work, option[3])));
  else media.options.set(name.upper, second === undefined ? '' : isMark(second, '=') ? valueOf(work, third) : '');
  if (option.length > (name.upper === 'MOVE' ? 4 : 3)) throw unexpected(option.at(-1));
};

const OS_ERRORS: Record<string, string> = {
  ENOENT: '2(The system cannot find the file specified.)',
  ENOTDIR: '3(The system cannot find the path specified.)',
  EACCES: '5(Access is denied.)',
  EPERM: '5(Access is denied.)',
  EISDIR: '5(Access is denied.)',
  EROFS: '19(The media is write protected.)',
  ENOSPC: '112(There is not enough space on the disk.)',
  ENAMETOOLONG: '123(The filename, directory name, or volume label syntax is incorrect.)',
};

export const DISK_FULL = OS_ERRORS['ENOSPC'] ?? '';

export const osError = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return OS_ERRORS[code] ?? `31(A device attached to the system is not functioning: ${code || 'no code'}.)`;
};

/** Runs file work; a file system error becomes `number` with the device's path, then 3013. */
export const onDevice = async <T>(
  act: () => Promise<T>,
  { number, path, statement }: { number: number; path: string; statement: string },
): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    if (isFailure(error)) throw error;
    const isMissingFolder =
      number === 3201 && (error as NodeJS.ErrnoException).code === 'ENOENT' && statement.startsWith('BACKUP');
    throw terminating(
      statement,
      message(
        number,
        path,
        isMissingFolder ? `3(The system cannot find the path specified: ${dirname(path)}.)` : osError(error),
      ),
    );
  }
};

export type Progress = {
  /** Counts an extent, keeps the pace, sends 3211 at each step. @throws 3204 when cancelled, and what the faults want */
  advance(): Promise<void>;
};

type ProgressOf = { total: number; stats: string | undefined; statement: string; path: string };

/** Progress through `total` extents with a message every `STATS` percent. */
export const progressOf = (work: Work, { total, stats, statement, path }: ProgressOf): Progress => {
  const { instance, session, reply, signal } = work;
  const step = Math.min(100, Math.max(1, Number(stats ?? 10) || 10));
  const startedMs = performance.now();
  let done = 0;
  let next = step;
  const keepPace = async (): Promise<void> => {
    const { bytesPerSecond } = instance.settings;
    const aheadMs =
      bytesPerSecond === null ? 0 : ((done * EXTENT_BYTES) / bytesPerSecond) * 1000 - (performance.now() - startedMs);
    await sleep(Math.max(0, aheadMs), undefined, { signal }).catch(() => {});
  };
  return {
    advance: async () => {
      done += 1;
      const percent = Math.floor((done / total) * 100);
      if (session.state.request !== null) session.state.request.percent = percent;
      await keepPace();
      if (signal.aborted) throw aborted(work, statement);
      if (percent >= next) {
        reply.message(message(3211, percent));
        next = (Math.floor(percent / step) + 1) * step;
      }
      await sufferFaults(work, percent, { statement, path });
      if (signal.aborted) throw aborted(work, statement);
    },
  };
};

const aborted = ({ session }: Work, statement: string): Error => {
  const cause: ServerMessage[] = session.state.isKilled ? [message(596)] : [];
  return terminating(statement, message(3204), ...cause);
};

const isDue = (limit: number | null, percent: number): boolean => limit !== null && percent >= limit;

const sufferFaults = async (
  { instance: { faults }, session, signal }: Work,
  percent: number,
  { statement, path }: Pick<ProgressOf, 'statement' | 'path'>,
): Promise<void> => {
  if (isDue(faults.dropAtPercent, percent)) {
    session.cut();
    while (!faults.isWorkKeptAfterDrop && !signal.aborted) await sleep(5);
  }
  if (isDue(faults.killAtPercent, percent)) {
    session.state.isKilled = true;
    session.state.request?.abort.abort();
  }
  if (isDue(faults.diskFullAtPercent, percent)) throw terminating(statement, message(3202, path, DISK_FULL));
  while (isDue(faults.stallAtPercent, percent) && !signal.aborted)
    await sleep(20, undefined, { signal }).catch(() => {});
};
