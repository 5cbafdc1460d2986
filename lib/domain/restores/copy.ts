/**
 * Does a restored database hold the rows that its archive promises?
 *
 * They were counted right after the dump. Meanwhile a server writes its own records even when it is quiet, and everything
 * when it is not: such tables may differ a little. What people made may not, in an archive taken while quiet.
 */
import type { Manifest } from '../archives/archive.ts';

export type CountDifference = { table: string; has: number; promised: number; isExplained: boolean };

/** Tables that a server writes to by itself, in maintenance mode and drained as well. */
const RECORDS = new Set([
  'Event',
  'EventRelatedDocument',
  'KeyAllocation',
  'OctopusServerNode',
  'OctopusServerNodeStatus',
  'RelatedDocument',
  'ServerTask',
]);

const EXPLAINED_SHARE = 0.02;
/** So many rows may come or go while a dump is taken: records in any case, the work of people only when it was not quiet. */
const EXPLAINED_ROWS = { records: 100, work: 5 };

/** Tables whose counts differ, by name. */
export const countDifferences = (
  counts: Readonly<Record<string, number>>,
  { counts: promised, consistency }: Pick<Manifest['dump'], 'counts' | 'consistency'>,
): CountDifference[] =>
  Object.keys({ ...promised, ...counts })
    .toSorted()
    .map((table) => ({ table, has: counts[table] ?? 0, promised: promised[table] ?? 0 }))
    .filter((one) => one.has !== one.promised)
    .map((one) => ({ ...one, isExplained: Math.abs(one.has - one.promised) <= explainedRows(one, consistency) }));

const explainedRows = (
  { table, promised }: { table: string; promised: number },
  consistency: Manifest['dump']['consistency'],
): number => {
  if (RECORDS.has(table)) return Math.max(EXPLAINED_ROWS.records, promised * EXPLAINED_SHARE);
  return consistency === 'quiesced' ? 0 : Math.max(EXPLAINED_ROWS.work, promised * EXPLAINED_SHARE);
};
