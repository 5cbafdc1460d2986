/** `/octo audit`, `/octo audit verify`: who did what and what came of it, and whether that record is still the one that was written. */
import { type AuditEntry, headText, parseHead, SHORT_HASH_DIGITS } from '../domain/audit.ts';
import { OctoError } from '../domain/errors.ts';
import { columns } from '../domain/reply.ts';
import { sinceWhen } from '../domain/settings/when.ts';
import { type FoundEntry, newestEntries, readAuditHead, verifyAudit } from '../repository/audit.ts';
import { count, cut, oneLine, utcTime } from '../slack/text.ts';
import type { Command } from './grammar/command.ts';

const LIST_LENGTH = 20;
const SINCE_LENGTH = 500;
const SUMMARY_CHARACTERS = 120;
const FINDINGS_LENGTH = 50;

export const audit: Command = {
  words: ['audit'],
  summary: 'Who asked for what, who decided, and what came of it, newest first.',
  positionals: [
    { name: 'since', summary: 'the word since', isWord: true, isOptional: true },
    { name: 'when', summary: 'how far back: 7d, yesterday, 2026-03-04 (UTC)', isOptional: true },
  ],
  options: { since: { summary: 'the same as an option' } },
  example: '/octo audit since:7d',
  perform: async (world, { options, positionals }) => {
    const since = sinceOption(options['since'] ?? positionals['when'], world.clock.now());
    const most = since === null ? LIST_LENGTH : SINCE_LENGTH;
    const head = await readAuditHead(world);
    const found: FoundEntry[] = [];
    let isCut = false;
    for await (const one of newestEntries(world)) {
      if (since !== null && one.entry !== null && one.entry.at < since.toISOString()) break;
      isCut = found.length === most;
      if (isCut) break;
      found.push(one);
    }
    const entries = found.flatMap(({ entry }) => entry ?? []);
    const unreadable = found.flatMap(({ n, entry }) => (entry === null ? [n] : []));
    return {
      // The head comes first: what does not fit into a message is cut from the end.
      headline: `${count(found.length, 'entry', 'entries')}, newest first; head ${headText(head, SHORT_HASH_DIGITS)}: keep it elsewhere for audit verify.`,
      lines: [
        ...columns(entries.map(row)),
        ...unreadable.map((n) => `Entry ${n} cannot be read: it was changed or removed. See audit verify.`),
        ...(isCut ? [`Older ones are left out; audit since:… goes further back, up to ${SINCE_LENGTH}.`] : []),
      ],
      json: { head: headText(head), entries, unreadable, isCut },
      isBad: unreadable.length > 0,
    };
  },
};

export const auditVerify: Command = {
  words: ['audit', 'verify'],
  summary: 'Read the whole audit again and name every entry that was changed, moved, added or removed.',
  positionals: [],
  options: { head: { summary: 'the last head you kept, number:hash; without it a cut end cannot be seen' } },
  example: '/octo audit verify head:17:9c1e5d0a1b2c3d4e',
  perform: async (world, { options }) => {
    const kept = headOption(options['head']);
    const { entryCount, head, findings } = await verifyAudit(world, kept);
    const left = findings.length - FINDINGS_LENGTH;
    return {
      headline:
        findings.length === 0
          ? `The audit is whole: ${count(entryCount, 'entry', 'entries')}, each as it was written.`
          : `The audit was TAMPERED WITH: ${count(findings.length, 'finding')}.`,
      lines: [
        ...findings.slice(0, FINDINGS_LENGTH).map(({ what }) => what),
        ...(left > 0 ? [`and ${left} more`] : []),
        `Head ${headText(head)}`,
        ...(kept === null
          ? ['Whether entries are gone from its end shows only against a head that was kept elsewhere.']
          : []),
      ],
      json: { entryCount, head: headText(head), findings },
      isBad: findings.length > 0,
    };
  },
};

const sinceOption = (text: string | undefined, now: Date): Date | null => {
  if (text === undefined) return null;
  const since = sinceWhen(text, now);
  if (since === null)
    throw new OctoError('ArgumentInvalid', `since is a length or a day, as 7d, yesterday or 2026-03-04, not "${text}"`);
  return since;
};

const headOption = (text: string | undefined): ReturnType<typeof parseHead> => {
  if (text === undefined) return null;
  const head = parseHead(text);
  if (head === null)
    throw new OctoError(
      'ArgumentInvalid',
      `head is a number and at least ${SHORT_HASH_DIGITS} hex digits, as audit shows it, not "${text}"`,
    );
  return head;
};

const row = (entry: AuditEntry): string[] => [
  String(entry.n),
  utcTime(entry.at),
  entry.who.door === 'workflow' ? 'octo' : `${entry.who.person} (${entry.who.door})`,
  `${entry.act}${entry.stage === 'intent' ? '' : ` ${entry.stage}`}`,
  [entry.on, entry.runId].filter((about) => about !== entry.act && about !== null && about !== undefined).join(' '),
  cut(oneLine(said(entry).join(' · ')), SUMMARY_CHARACTERS),
];

/** What a reader has not seen in another column; an answer is a sentence and needs no name. */
const said = ({ detail, on }: AuditEntry): string[] =>
  Object.entries(detail)
    .filter(
      ([name, value]) => name !== 'intent' && value !== on && value !== null && value !== '' && !isEmptyList(value),
    )
    .map(([name, value]) => (name === 'answer' ? String(value) : `${name}: ${plain(value)}`));

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
/** Without the marks of JSON: people read this, programs read `--json`. */
const plain = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(plain).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value)
    .filter((one) => one !== null)
    .map(plain)
    .join(' ');
};
