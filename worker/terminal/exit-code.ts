/** What the terminal's exit status says: the outcome of the run, so that scripts and people agree. */
import type { OctoError } from '../../lib/domain/errors.ts';
import type { OutcomeWord } from '../../lib/domain/runs/run.ts';

export const EXIT_CODES: Readonly<Record<OutcomeWord | 'usage', number>> = {
  good: 0,
  failed: 1,
  usage: 2,
  gaps: 3,
  suspicious: 4,
  refused: 5,
};

const USAGE_CODES = new Set<string>([
  'CommandUnknown',
  'ArgumentInvalid',
  'InstanceUnknown',
  'RunUnknown',
  'ArchiveUnknown',
  'ConfigMissing',
  'ConfigInvalid',
]);

const REFUSED_CODES = new Set<string>([
  'ArchiveHeld',
  'ArchiveInUse',
  'ArchiveLocked',
  'ArchiveNeeded',
  'ServerFolderRefused',
]);

/** The exit status of a command that was not carried out. */
export const exitCodeOf = ({ code }: OctoError): number => {
  if (USAGE_CODES.has(code)) return EXIT_CODES.usage;
  return REFUSED_CODES.has(code) ? EXIT_CODES.refused : EXIT_CODES.failed;
};
