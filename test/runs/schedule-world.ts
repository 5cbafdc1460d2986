/** A world for what happens by itself: stores in a folder, a clock that is moved, a chat and a runtime that only note. */
import { join } from 'node:path';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Chat } from '../../lib/ports/chat.ts';
import type { World } from '../../lib/ports/world.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { testClock, type TestClock } from '../clock.ts';
import { makeWorld, temporaryDirectory } from '../worker/support.ts';

export type Said = { kind: 'post' | 'reply' | 'update' | 'image'; ts: string; text: string; channel: string };

export const scheduleWorld = (start: string) => {
  const directory = temporaryDirectory();
  const clock = testClock(start);
  const started: string[] = [];
  const said: Said[] = [];
  const slack = { isDown: false };
  const base = makeWorld({ directory, clock });
  const world = {
    ...base,
    clock,
    archives: directoryObjectStore({ directory: join(directory, 'archives') }),
    chat: notingChat(said, slack),
    policy: { people: [], groups: {}, statements: [] },
    workflows: {
      start: async ({ runId }: { runId: string }) => void started.push(runId),
      describe: async (runId: string) => (started.includes(runId) ? { runId, status: 'RUNNING' } : null),
    },
  } as unknown as World & { clock: TestClock };
  return { world, started, said, slack };
};

const notingChat = (said: Said[], slack: { isDown: boolean }): Chat => {
  const posted = new Map<string, string>();
  const take = () => {
    if (slack.isDown) throw new OctoError('ChatUnavailable', 'slack is down');
  };
  return {
    post: async ({ channel, text, threadTs, once }) => {
      take();
      const ts = (once === undefined ? undefined : posted.get(once.key)) ?? `${said.length + 1}.0`;
      if (once !== undefined) posted.set(once.key, ts);
      said.push({ kind: threadTs === undefined ? 'post' : 'reply', ts: threadTs ?? ts, text, channel });
      return { channel, ts };
    },
    update: async ({ ts, text, channel }) => {
      take();
      said.push({ kind: 'update', ts, text, channel });
    },
    shareFile: async ({ title, channel }) => {
      take();
      said.push({ kind: 'image', ts: '', text: title, channel });
    },
    postEphemeral: async () => undefined,
    groupMembers: async () => [],
  };
};

/** Puts an archive of this word and time into the store. */
export const plantArchive = async (
  world: Pick<World, 'archives'>,
  { takenAt, word = 'good' }: { takenAt: string; word?: 'good' | 'gaps' },
): Promise<string> => {
  const archiveId = `arc_${takenAt.replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}_7F3K9Q2M`;
  const manifest = { ...manifestOf({ archiveId, word }), takenAt };
  await world.archives.create(archiveKeys.manifest('prod', archiveId), Buffer.from(JSON.stringify(manifest)));
  return archiveId;
};
