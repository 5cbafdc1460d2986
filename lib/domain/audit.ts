/**
 * The audit: who did what, who allowed it, what came of it, as a chain in which every entry holds the hash of the one before.
 *
 * The hash is SHA-256 of an entry's bytes as they are stored, so `sha256sum` checks the chain as well (docs/audit.md).
 * A chain shows any change but the loss of its own end: for that it takes a head that was kept elsewhere.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { positionOfAuditKey } from './names.ts';
import { DOORS } from './runs/run.ts';

export const AuditEntry = z.strictObject({
  /** 1 for the first; also in the key it is stored under. */
  n: z.number().int().positive(),
  at: z.string(),
  /** `workflow` speaks for the program itself, such as at the end of a run. */
  who: z.strictObject({ person: z.string(), door: z.enum([...DOORS, 'workflow']) }),
  /** What was asked for, e.g. `backup hold`, `run`, `decision`. */
  act: z.string(),
  /** `intent` stands before the act; `done`, or `refused` with its code, after it. An intent alone was interrupted. */
  stage: z.enum(['intent', 'done', 'refused']),
  /** The instance, archive or run it is about; null when about none or all. */
  on: z.string().nullable(),
  runId: z.string().optional(),
  /** Everything that was said, whole: reasons are cut in messages, never here. No secrets. */
  detail: z.record(z.string(), z.unknown()),
  /** SHA-256 of the bytes of entry `n - 1`, in hex; 64 zeros in the first. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** An entry before it has its place in the chain. */
export type AuditAct = Omit<AuditEntry, 'n' | 'at' | 'previous'>;

/** An entry's number and hash: whoever keeps it can show later that nothing up to there was changed or removed. */
export type AuditHead = { n: number; hash: string };

export const EMPTY_CHAIN: AuditHead = { n: 0, hash: '0'.repeat(64) };

/** SHA-256 of an entry's stored bytes. */
export const auditHash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The entry in these bytes, or `null` when they hold none. */
export const decodeEntry = (bytes: Uint8Array): AuditEntry | null => {
  try {
    return AuditEntry.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return null;
  }
};

/** `17:9c1e…`, as it is typed back; `digits` of its hash are enough where room is short. */
export const headText = ({ n, hash }: AuditHead, digits = hash.length): string => `${n}:${hash.slice(0, digits)}`;

/** What a chance match would need 2^64 tries for. */
export const SHORT_HASH_DIGITS = 16;

/** The head that a person kept, its hash perhaps shortened to 16 digits or more; `null` when the text is none. */
export const parseHead = (text: string): AuditHead | null => {
  const [, n, hash] = /^(\d{1,12}):([0-9a-f]{16,64})$/i.exec(text) ?? [];
  return n === undefined || hash === undefined ? null : { n: Number(n), hash: hash.toLowerCase() };
};

/** Something wrong with the chain, and the entry it is about; `null` for an object that is no entry. */
export type AuditFinding = { n: number | null; what: string };

export type StoredEntry = { key: string; bytes: Uint8Array };

/**
 * Follows the chain by one stored entry: where it stands then, and what is wrong there. Entries come in order of their keys.
 * `kept` is the last known head, where there is one.
 */
export const followChain = (
  before: AuditHead,
  { key, bytes }: StoredEntry,
  kept: AuditHead | null,
): { head: AuditHead; findings: AuditFinding[] } => {
  const n = positionOfAuditKey(key);
  if (n === null) return { head: before, findings: [{ n, what: `"${key}" is no entry: it was put there by hand` }] };
  const head = { n, hash: auditHash(bytes) };
  return { head, findings: [...gapBefore(before, n), ...troubleAt(before, { n, bytes }), ...troubleWith(kept, head)] };
};

/** What a kept head shows once the chain was followed to its end. */
export const missingEnd = (last: AuditHead, kept: AuditHead | null): AuditFinding[] =>
  kept === null || last.n >= kept.n
    ? []
    : [{ n: kept.n, what: `${entries(last.n + 1, kept.n)} gone from the end of the audit` }];

const gapBefore = (before: AuditHead, n: number): AuditFinding[] =>
  n === before.n + 1 ? [] : [{ n: before.n + 1, what: `${entries(before.n + 1, n - 1)} missing` }];

const troubleAt = (before: AuditHead, { n, bytes }: { n: number; bytes: Uint8Array }): AuditFinding[] => {
  const entry = decodeEntry(bytes);
  if (entry === null) return [{ n, what: `entry ${n} cannot be read: it was changed` }];
  if (entry.n !== n) return [{ n, what: `entry ${n} says that it is entry ${entry.n}: it was moved or renumbered` }];
  if (n !== before.n + 1 || entry.previous === before.hash) return [];
  return before.n === 0
    ? [{ n, what: 'entry 1 does not begin a chain: it was replaced' }]
    : [
        {
          n: before.n,
          what: `entry ${before.n} is not the one that entry ${n} was written after: one of them was changed`,
        },
      ];
};

const troubleWith = (kept: AuditHead | null, head: AuditHead): AuditFinding[] =>
  kept?.n !== head.n || head.hash.startsWith(kept.hash)
    ? []
    : [
        {
          n: head.n,
          what: `entry ${head.n} is not the one whose hash was kept: it, or what came before, was rewritten`,
        },
      ];

const entries = (first: number, last: number): string =>
  first === last ? `entry ${first} is` : `entries ${first} to ${last} are`;
