/**
 * Writing, reading and checking the audit, one create-only object an entry (`domain/audit.ts` says what a chain is).
 *
 * Numbers have no gaps, so the newest entry is found by doubling and halving, in a few dozen questions among millions.
 * Two writers never take the same number: who comes second finds the key taken, and chains on to what stands there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AuditAct,
  AuditEntry,
  type AuditFinding,
  type AuditHead,
  auditHash,
  decodeEntry,
  EMPTY_CHAIN,
  followChain,
  missingEnd,
  type StoredEntry,
} from '../domain/audit.ts';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { stateKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { encodeRecord } from './update.ts';

type State = Pick<World, 'state'>;
type AuditWorld = Pick<World, 'state' | 'clock'>;

/** Each lost race is another writer's entry: this many in a row means a store whose conditions do not hold. */
const MAX_TRIES = 100;
const LONGEST_PAUSE_MS = 20;
const READ_TOGETHER = 32;
const READ_AHEAD = 8;

/** Adds the entry at the end of the chain, and gives its number and hash. @throws StoreKeyExists when every race was lost */
export const appendAudit = async (world: AuditWorld, act: AuditAct): Promise<AuditHead> => {
  let known = 0;
  for (let tries = 1; ; tries++) {
    const last = await headFrom(world, known);
    const n = last.n + 1;
    const bytes = encodeRecord(
      AuditEntry.parse({ n, at: world.clock.now().toISOString(), ...act, previous: last.hash }),
    );
    try {
      await world.state.create(stateKeys.audit(n), bytes);
      return { n, hash: auditHash(bytes) };
    } catch (error) {
      if (tries === MAX_TRIES || !isOctoError(error, 'StoreKeyExists', 'StoreConflict')) throw error;
      known = last.n;
      await sleep(Math.random() * LONGEST_PAUSE_MS);
    }
  }
};

/** For a step, which may run twice: an entry of this run with the same act and stage, made since then, is this one. */
export const appendAuditOnce = async (
  world: AuditWorld,
  act: AuditAct & { runId: string },
  { since }: { since: string },
): Promise<AuditHead> => {
  for await (const { n, hash, entry } of newestEntries(world)) {
    if (entry === null) continue;
    if (entry.at < since) break;
    if (entry.runId === act.runId && entry.act === act.act && entry.stage === act.stage) return { n, hash };
  }
  return appendAudit(world, act);
};

/** What an act came to: its result, and what the entry after it says. */
export type Done<T> = { result: T; runId?: string | undefined; detail?: AuditEntry['detail'] };

/**
 * Acts between two entries: the intent before, and after it what came of it, also when it was refused. When the intent
 * cannot be written, nothing is done.
 */
export const audited = async <T>(
  world: AuditWorld,
  act: Omit<AuditAct, 'stage'>,
  perform: () => Promise<Done<T>>,
): Promise<T> => {
  const { n: intent } = await appendAudit(world, { ...act, stage: 'intent' });
  const after = { ...act, detail: { intent } };
  const { result, runId, detail } = await perform().catch(async (thrown: unknown) => {
    const refused = { ...after, stage: 'refused' as const, detail: { intent, ...refusalOf(thrown) } };
    // What went wrong with the act is what its author must hear; the intent without an end stays in the audit.
    await appendAudit(world, refused).catch(() => {});
    throw thrown;
  });
  await appendAudit(world, {
    ...after,
    stage: 'done',
    ...(runId === undefined ? {} : { runId }),
    detail: { intent, ...detail },
  });
  return result;
};

/** Number and hash of the newest entry; `EMPTY_CHAIN` when there is none. */
export const readAuditHead = (world: State): Promise<AuditHead> => headFrom(world, 0);

/** An entry as it is found; `entry` is null when it is gone or cannot be read, which `verifyAudit` names. */
export type FoundEntry = AuditHead & { entry: AuditEntry | null };

/** Entries newest first, read a few at a time when the caller gets there. */
export const newestEntries = async function* (world: State): AsyncGenerator<FoundEntry> {
  for (let last = await lastFrom(world, 0); last > 0; last -= READ_AHEAD) {
    const count = Math.min(READ_AHEAD, last);
    yield* await Promise.all(Array.from({ length: count }, (_, at) => findEntry(world, last - at)));
  }
};

export type AuditVerification = { entryCount: number; head: AuditHead; findings: AuditFinding[] };

/** Reads every entry and names each break of the chain. `kept` is a head that was noted elsewhere. */
export const verifyAudit = async (world: State, kept: AuditHead | null): Promise<AuditVerification> => {
  const found: AuditVerification = { entryCount: 0, head: EMPTY_CHAIN, findings: [] };
  for await (const stored of storedEntries(world)) {
    const { head, findings } = followChain(found.head, stored, kept);
    found.entryCount++;
    found.head = head;
    found.findings.push(...findings);
  }
  found.findings.push(...missingEnd(found.head, kept));
  return found;
};

const storedEntries = async function* (world: State): AsyncGenerator<StoredEntry> {
  let keys: string[] = [];
  for await (const { key } of world.state.list(stateKeys.audits())) {
    if (keys.push(key) < READ_TOGETHER) continue;
    yield* await readAll(world, keys);
    keys = [];
  }
  yield* await readAll(world, keys);
};

const readAll = async (world: State, keys: string[]): Promise<StoredEntry[]> => {
  const objects = await Promise.all(keys.map((key) => world.state.read(key)));
  // What vanished since it was listed is a gap that the next entry shows.
  return keys.flatMap((key, at) => (objects[at] ? [{ key, bytes: objects[at].bytes }] : []));
};

/** The head, when entry `known` is there already. */
const headFrom = async (world: State, known: number): Promise<AuditHead> => {
  const n = await lastFrom(world, known);
  return n === 0 ? EMPTY_CHAIN : { n, hash: auditHash(await readEntry(world, n)) };
};

const lastFrom = async ({ state }: State, known: number): Promise<number> => {
  const isThere = async (n: number): Promise<boolean> => (await state.head(stateKeys.audit(n))) !== null;
  let [there, stride] = [known, 1];
  for (; await isThere(there + stride); stride *= 2) there += stride;
  for (let absent = there + stride; absent - there > 1;) {
    const middle = Math.floor((there + absent) / 2);
    if (await isThere(middle)) there = middle;
    else absent = middle;
  }
  return there;
};

const readEntry = async ({ state }: State, n: number): Promise<Buffer> => {
  const object = await state.read(stateKeys.audit(n));
  if (object === null) throw new OctoError('AuditDamaged', `entry ${n} of the audit is gone`, { facts: { n } });
  return object.bytes;
};

const findEntry = async ({ state }: State, n: number): Promise<FoundEntry> => {
  const object = await state.read(stateKeys.audit(n));
  return object === null
    ? { n, hash: '', entry: null }
    : { n, hash: auditHash(object.bytes), entry: decodeEntry(object.bytes) };
};

/** Foreign errors give their code only: nobody knows what stands in their words. */
const refusalOf = (thrown: unknown): AuditEntry['detail'] =>
  isOctoError(thrown) ? { code: thrown.code, message: thrown.message } : { code: 'Bug' };
