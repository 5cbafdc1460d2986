/** A break-glass is told to the whole channel in a message of its own, which stays open until somebody else closes it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeBreakGlass } from '../../lib/runs/decide.ts';
import { tellOfBreakGlass } from '../../lib/runs/card/tell-break-glass.ts';
import { readView } from '../../lib/runs/report.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { Chat } from '../../lib/ports/chat.ts';
import type { World } from '../../lib/ports/world.ts';
import { breakGlassMessage } from '../../lib/slack/run/break-glass.ts';
import { fitsSlack } from '../../lib/slack/limits.ts';
import { approvalWorld, type ApprovalWorld } from './approval-world.ts';

let place: ApprovalWorld;
let said: { kind: 'post' | 'update'; ts: string; text: string; buttons: string[] }[];
let run: RunRecord;

const chat = (): Chat => {
  const posted = new Map<string, string>();
  const buttonsIn = (blocks: readonly object[]) =>
    [...JSON.stringify(blocks).matchAll(/"value":"([^"]*)"/g)].map(([, value]) => value!);
  return {
    post: ({ text, blocks, channel, once }) => {
      const ts = posted.get(once!.key) ?? `${posted.size + 1}.0`;
      posted.set(once!.key, ts);
      said.push({ kind: 'post', ts, text, buttons: buttonsIn(blocks) });
      return Promise.resolve({ channel, ts });
    },
    update: ({ ts, text, blocks }) => {
      said.push({ kind: 'update', ts, text, buttons: buttonsIn(blocks) });
      return Promise.resolve();
    },
    shareFile: () => Promise.resolve(),
    postEphemeral: () => Promise.resolve(),
    groupMembers: () => Promise.resolve([]),
  };
};

beforeEach(async () => {
  said = [];
  place = approvalWorld();
  place.world.chat = chat();
  place.policy({ effect: 'approve', verbs: ['backup'], approvers: ['@approvers'], breakGlass: ['dan'] });
  run = await place.waitingRun();
});
afterEach(() => place.remove());

const tell = async (world: World = place.world) => tellOfBreakGlass(world, (await readView(place.world, run.id))!);

describe('a break-glass', () => {
  it('calls the channel once, with the reason and a way to close it', async () => {
    await tell();
    expect(said).toEqual([]);
    await place.say(run, 'dan', { kind: 'break-glass', reason: 'INC-412' });
    await tell();
    await tell();
    expect(said).toEqual([
      {
        kind: 'post',
        ts: '1.0',
        text: '<!channel> Break-glass: dan let the backup of prod through alone.',
        buttons: [`approve ${run.id}`, `run ${run.id}`],
      },
    ]);
  });

  it('is closed in the same message, once, by whoever else has looked at it', async () => {
    await place.say(run, 'dan', { kind: 'break-glass', reason: 'INC-412' });
    await tell();
    const by = { door: 'slack' as const, person: 'cara' };
    await closeBreakGlass(place.world, { runId: run.id, by, reason: 'all is well' });
    await tell();
    await tell();
    expect(said.slice(1)).toEqual([
      {
        kind: 'update',
        ts: '1.0',
        text: 'Break-glass closed: dan let the backup of prod through alone; cara has looked at it.',
        buttons: [],
      },
    ]);
  });

  it('is one message after a kill before it could be noted', async () => {
    await place.say(run, 'dan', { kind: 'break-glass', reason: 'INC-412' });
    const { state } = place.world;
    const create: typeof state.create = (key, ...rest) =>
      key.endsWith('.break-glass.json') ? Promise.reject(new Error('killed')) : state.create(key, ...rest);
    await expect(tell(place.over({ ...state, create }))).rejects.toThrow('killed');
    await tell();
    expect(said.map(({ ts }) => ts)).toEqual(['1.0', '1.0']);
  });

  it('lets no word of people call anybody, and fits Slack', () => {
    const wild = '<!channel> '.repeat(400);
    const decision = { persons: [wild], reason: wild, at: '2026-03-05T02:00:00Z', isBreakGlass: true };
    const said = { kind: 'approved' as const, planHash: '0', ...decision };
    for (const closure of [null, { person: wild, reason: wild, at: '2026-03-05T03:00:00Z' }]) {
      const message = breakGlassMessage(run, { decision: said, closure });
      expect(fitsSlack(message)).toBe(true);
      expect(JSON.stringify(message).match(/<!channel>/g)?.length ?? 0).toBe(closure === null ? 2 : 0);
    }
  });
});
