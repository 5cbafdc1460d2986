/**
 * Who is in a Slack user group: asked of Slack, and kept for a while so that not every click asks again.
 *
 * While Slack does not answer, what was read within the last hour still holds; older than that, nobody is taken for an
 * approver. A group that Slack refuses to show has no members at all.
 */
import * as z from 'zod';
import { OctoError } from '../../domain/errors.ts';
import { stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { readRecord, update } from '../update.ts';

const Members = z.strictObject({ users: z.array(z.string()), readAt: z.string() });

const FRESH_MS = 300_000;
const KEPT_MS = 3_600_000;

/** Slack ids of the members. @throws ChatScopeMissing, ChatRefused, ChatUnavailable, ChatLimited */
export const membersOf = async (world: Pick<World, 'state' | 'clock' | 'chat'>, group: string): Promise<string[]> => {
  const at = { key: stateKeys.slackGroup(group), schema: Members };
  const kept = await readRecord(world.state, at);
  const now = world.clock.now();
  const ageMs = kept === null ? Number.POSITIVE_INFINITY : now.getTime() - Date.parse(kept.readAt);
  if (kept !== null && ageMs < FRESH_MS) return kept.users;
  try {
    const users = await world.chat.groupMembers(group);
    await update(world.state, at, () => ({ users, readAt: now.toISOString() }));
    return users;
  } catch (thrown) {
    if (kept !== null && ageMs < KEPT_MS && OctoError.from(thrown).canRetry) return kept.users;
    throw thrown;
  }
};
