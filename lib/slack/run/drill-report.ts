/** The report of a drill as a Markdown file: for whoever asks later whether archives can be restored. Made from its record alone. */
import { type DrillRecord, restoreSeconds } from '../../domain/drills/drill.ts';
import { count, duration, size, utcTime } from '../text.ts';
import { PLACES } from './drill-words.ts';
import { stateLabel } from './run-steps.ts';

/** Name and content of the file. */
export const drillReport = (record: DrillRecord): { name: string; title: string; text: string } => {
  const { instance, archive, runId } = record;
  return {
    name: `drill-${instance}-${record.endedAt.slice(0, 10)}-${runId}.md`,
    title: `Report of the drill ${runId}: ${archive.archiveId} of ${instance}, ${WORDS[record.word]}`,
    text: `${[
      `# Drill of ${instance}: ${WORDS[record.word]}`,
      table(factsOf(record)),
      '## What was looked at',
      table(partsOf(record)),
      ...listed('Missing or not proven', record.gaps),
      ...listed('Notes', record.notes),
      'The copy was restored beside everything else and removed afterwards. Octopus, its database and its folders were not touched.',
    ].join('\n\n')}\n`,
  };
};

const WORDS: Record<DrillRecord['word'], string> = {
  good: 'it can be restored',
  gaps: 'it can be restored, with gaps',
  failed: 'it CANNOT be relied on',
  unfinished: 'ended before it could tell',
};

const factsOf = (record: DrillRecord): string[][] => {
  const { archive, place, askedBy, startedAt, endedAt, error, runId } = record;
  const taken = restoreSeconds(record);
  return [
    ['Archive', `${archive.archiveId}, taken ${utcTime(archive.takenAt)}`],
    ['Octopus', archive.octopusVersion],
    ['Run', `${runId}, asked for by ${askedBy}`],
    ['Place', PLACES[place]],
    ['From', utcTime(startedAt)],
    ['To', utcTime(endedAt)],
    ['Restored in', taken === null ? 'not restored whole' : duration(taken)],
    ...(error === null ? [] : [['Failed', `${stateLabel(error.state)}: ${error.message} (${error.code})`]]),
  ];
};

/** A part that it did not come to says so: an empty place would look like good news. */
const partsOf = (record: DrillRecord): string[][] => {
  const { dumpBytes, proven, files, seconds } = record;
  const timed = (state: string, found: string | null): string =>
    found === null
      ? 'NOT looked at'
      : `${found}${seconds[state] === undefined ? '' : `, in ${duration(seconds[state])}`}`;
  const ofProof = (found: string | null): string => found ?? 'NOT looked at';
  return [
    [
      'Database restored',
      timed('DrillDatabase', dumpBytes === null ? null : `dump of ${size(dumpBytes)}, SHA-256 compared`),
    ],
    [
      'Rows against the manifest',
      timed('DrillProof', proven && `${proven.rows.toLocaleString('en-US')} rows in ${count(proven.tables, 'table')}`),
    ],
    [
      'Master key on the restored copy',
      ofProof(proven && `opens ${proven.keyProof.opened} of ${proven.keyProof.sampled} values`),
    ],
    ['DBCC CHECKDB', ofProof(proven && 'no fault')],
    [
      'Files that the database lists',
      ofProof(
        proven && `${proven.references.listed.toLocaleString('en-US')} listed, ${proven.references.missing} missing`,
      ),
    ],
    [
      'Files',
      timed(
        'DrillFiles',
        files && `${count(files.count, 'file')}, ${size(files.sizeBytes)}, each compared with its SHA-256`,
      ),
    ],
  ];
};

const table = (rows: string[][]): string =>
  ['| | |', '|---|---|', ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`)].join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');

const listed = (title: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [`## ${title}`, items.map((item) => `- ${cell(item)}`).join('\n')];
