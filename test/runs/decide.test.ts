/** Exactly one decision, by those who may, whatever people click, however often, and whatever is killed in between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { castVote, decideOnce, readApproval } from '../../lib/repository/approvals.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { closeBreakGlass, requireMayDecide, say, wake, wakeDecided } from '../../lib/runs/decide.ts';
import { requestBackup } from '../../lib/runs/request.ts';
import { type ApprovalWorld, approvalWorld, planOf } from './approval-world.ts';

const ONE = { effect: 'approve', verbs: ['backup'] };
const TWO_OF = { ...ONE, approvers: ['@approvers', 'dan'], count: 2 };
const MINUTE_MS = 60_000;

let place: ApprovalWorld;

beforeEach(() => {
  place = approvalWorld();
  place.policy(ONE);
});
afterEach(() => place.remove());

const refusal = (code: string, message: RegExp = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error;
const decisionOf = async (run: RunRecord) => (await readApproval(place.world, run))?.decision ?? null;

describe('one other person', () => {
  it('approves, and the run is woken once with its own token', async () => {
    const run = await place.waitingRun();
    const { approval, isNew, isWoken } = await place.say(run, 'ben');
    expect(approval.decision).toMatchObject({ kind: 'approved', persons: ['ben'], isBreakGlass: false });
    expect({ isNew, isWoken }).toEqual({ isNew: true, isWoken: true });
    expect(place.woken).toEqual([`token of ${run.id}`]);
    expect(await place.confirm(run)).toEqual({ awaitSeconds: null });
  });

  it('denies with a reason, and never without', async () => {
    const run = await place.waitingRun();
    await expect(place.say(run, 'ben', { kind: 'deny', reason: null })).rejects.toThrow(
      refusal('ApprovalReasonMissing'),
    );
    await place.say(run, 'ben', { kind: 'deny', reason: 'not today' });
    await expect(place.confirm(run)).rejects.toThrow(refusal('ApprovalDenied', /ben denied it: "not today"/));
    expect(place.woken).toHaveLength(1);
  });

  it('is never the requester, through whichever door', async () => {
    const run = await place.waitingRun('ana');
    for (const door of ['slack', 'terminal'] as const) {
      const asked = place.say(run, 'ana', { by: { door, person: 'ana' } });
      await expect(asked).rejects.toThrow(refusal('ApprovalNotYours', /own request; who can: ben, cara, dan/));
    }
    expect(await decisionOf(run)).toBeNull();
    expect(place.woken).toEqual([]);
  });

  it('may be the requester only where the policy says so in so many words', async () => {
    place.policy({ ...ONE, approvers: ['ana'], mayApproveSelf: true });
    const run = await place.waitingRun('ana');
    expect((await place.say(run, 'ana')).approval.decision).toMatchObject({ kind: 'approved', persons: ['ana'] });
  });

  it('is nobody whom the configuration does not know', async () => {
    const run = await place.waitingRun();
    await expect(place.say(run, 'ben (slack)')).rejects.toThrow(refusal('ApprovalNotYours', /not a person that/));
  });

  it('types the name of the instance where the policy wants it', async () => {
    place.policy({ ...ONE, typedConfirmation: true });
    const run = await place.waitingRun();
    for (const typed of [null, '', 'pro', 'test'])
      await expect(place.say(run, 'ben', { typed })).rejects.toThrow(refusal('ApprovalNotConfirmed'));
    expect((await place.say(run, 'ben', { typed: 'Prod ' })).approval.decision?.kind).toBe('approved');
  });
});

describe('the same again', () => {
  it('is a double click: no second vote, no second waking, no error', async () => {
    const run = await place.waitingRun();
    await place.say(run, 'ben');
    const again = await place.say(run, 'ben');
    expect(again).toMatchObject({ isNew: false, isWoken: false });
    expect(place.woken).toHaveLength(1);
    expect(again.approval.votes).toHaveLength(1);
  });

  it('clicked ten times in the same moment is one vote', async () => {
    const run = await place.waitingRun();
    const said = await Promise.all(Array.from({ length: 10 }, () => place.say(run, 'ben')));
    expect(new Set(said.map(({ approval }) => JSON.stringify(approval.decision))).size).toBe(1);
    expect(place.woken).toHaveLength(1);
  });

  it('twice by one person is no quorum, and two people are', async () => {
    place.policy(TWO_OF);
    const run = await place.waitingRun();
    for (const door of ['slack', 'terminal'] as const)
      expect((await place.say(run, 'ben', { by: { door, person: 'ben' } })).approval.decision).toBeNull();
    expect(place.woken).toEqual([]);
    const { approval } = await place.say(run, 'dan');
    expect(approval.decision).toMatchObject({ kind: 'approved', persons: ['ben', 'dan'] });
  });

  it('cannot be taken back', async () => {
    place.policy(TWO_OF);
    const run = await place.waitingRun();
    await place.say(run, 'ben');
    await expect(place.say(run, 'ben', { kind: 'deny' })).rejects.toThrow(
      refusal('ApprovalDecided', /already said "approve"/),
    );
  });
});

describe('two people in the same moment', () => {
  it.each(Array.from({ length: 10 }, (_, round) => round))('one decides, both hear the same (%i)', async () => {
    const run = await place.waitingRun();
    const said = await Promise.allSettled([place.say(run, 'ben'), place.say(run, 'cara', { kind: 'deny' })]);
    const decision = (await decisionOf(run))!;
    expect(place.woken).toHaveLength(1);
    const heard = said.map((one) => (one.status === 'fulfilled' ? 'decided' : OctoError.from(one.reason).code));
    expect(heard).toEqual(
      ['ben', 'cara'].map((person) => (decision.persons.includes(person) ? 'decided' : 'ApprovalDecided')),
    );
    // Whoever was too late changes nothing when the run goes on.
    const confirmed = await place.confirm(run).catch((thrown: unknown) => OctoError.from(thrown).code);
    expect(confirmed).toEqual(decision.kind === 'approved' ? { awaitSeconds: null } : 'ApprovalDenied');
  });
});

describe('too early, too late, elsewhere', () => {
  it('a click on an old copy is told who decided', async () => {
    const run = await place.waitingRun();
    await place.say(run, 'ben');
    await expect(place.say(run, 'cara')).rejects.toThrow(refusal('ApprovalDecided', /was approved by ben at 2026-/));
    await expect(
      requireMayDecide(place.world, { runId: run.id, by: { door: 'slack', person: 'cara' }, kind: 'deny' }),
    ).rejects.toThrow(refusal('ApprovalDecided'));
  });

  it('nothing can be decided before the preflight has passed', async () => {
    const by = { door: 'slack', person: 'ana', channel: null } as const;
    const asked = { instance: 'prod', by, requestKey: 'early', reason: null, consistency: 'online' } as const;
    const { run } = await requestBackup(place.world, asked);
    await expect(place.say(run, 'ben')).rejects.toThrow(refusal('ApprovalNotOpen', /preflight/));
  });

  it('a click after the end of the wait decides nothing, and the run ends as expired', async () => {
    const run = await place.waitingRun();
    await place.clock.advance(240 * MINUTE_MS);
    await expect(place.say(run, 'ben')).rejects.toThrow(refusal('ApprovalNotOpen', /was over/));
    await expect(place.confirm(run)).rejects.toThrow(refusal('ApprovalExpired', /nobody decided by 2026-/));
    await expect(place.say(run, 'ben')).rejects.toThrow(refusal('ApprovalDecided', /expired at 2026-/));
    expect(await decisionOf(run)).toMatchObject({ kind: 'expired', persons: [] });
  });

  it('a vote in time counts although the bot died before it decided, and came back after the end', async () => {
    const run = await place.waitingRun();
    const dying = place.over(failing(place.store, (key) => key.endsWith('decision.json')));
    await expect(
      say(dying, { runId: run.id, by: { door: 'slack', person: 'ben' }, kind: 'approve', reason: null, typed: null }),
    ).rejects.toThrow('killed');
    await place.clock.advance(300 * MINUTE_MS);
    expect(await place.confirm(run)).toEqual({ awaitSeconds: null });
  });

  it('an approval that comes between the look and the expiry is not overruled, and its vote is seen', async () => {
    const run = await place.waitingRun();
    const { planHash } = (await readApproval(place.world, run))!.opening!;
    const said = { reason: null, planHash, at: place.clock.now().toISOString() };
    const overtaken: ObjectStore = {
      ...place.store,
      create: async (key, ...rest) => {
        if (key.endsWith('/decision.json')) {
          await castVote(place.world, run.id, { ...said, person: 'ben', door: 'slack', kind: 'approve' });
          const approved = { ...said, kind: 'approved' as const, persons: ['ben'], isBreakGlass: false };
          await decideOnce(place.world, run.id, approved);
        }
        return place.store.create(key, ...rest);
      },
    };
    await place.clock.advance(240 * MINUTE_MS);
    expect(await place.confirm(run, overtaken)).toEqual({ awaitSeconds: null });
    expect(await decisionOf(run)).toMatchObject({ kind: 'approved', persons: ['ben'] });
  });

  it('a run that needs nobody has nothing to decide, nor has one that is not there', async () => {
    place.policy();
    const by = { door: 'slack', person: 'ana', channel: null } as const;
    const asked = { instance: 'prod', by, requestKey: 'free', reason: null, consistency: 'online' } as const;
    const { run } = await requestBackup(place.world, asked);
    await expect(place.say(run, 'ben')).rejects.toThrow(refusal('ApprovalNotOpen', /needs nobody/));
    await expect(place.say({ ...run, id: 'run_00000000' }, 'ben')).rejects.toThrow(refusal('RunUnknown'));
    await expect(place.say({ ...run, id: '../settings' }, 'ben')).rejects.toThrow(refusal('RunUnknown'));
  });
});

describe('what changes meanwhile', () => {
  it('an approver who was taken off the policy no longer counts at the click', async () => {
    const run = await place.waitingRun();
    place.policy({ ...ONE, approvers: ['cara'] });
    await expect(place.say(run, 'ben')).rejects.toThrow(refusal('ApprovalNotYours', /who can: cara/));
  });

  it('nor when the run goes on', async () => {
    place.policy(TWO_OF);
    const run = await place.waitingRun();
    await place.say(run, 'ben');
    await place.say(run, 'dan');
    place.policy({ ...TWO_OF, approvers: ['@approvers'] });
    await expect(place.confirm(run)).rejects.toThrow(refusal('ApprovalVoid'));
  });

  it('a policy that no longer lets the requester ask voids the approval', async () => {
    const run = await place.waitingRun('ana');
    await place.say(run, 'ben');
    place.policy({ effect: 'deny', verbs: 'everything', who: ['ana'] }, ONE);
    await expect(place.confirm(run)).rejects.toThrow(refusal('ApprovalVoid'));
  });

  it('another plan than the one that was approved voids it', async () => {
    const run = await place.waitingRun();
    await place.say(run, 'ben');
    const key = `runs/${run.id}/plan.json`;
    const { etag } = (await place.store.read(key))!;
    const other = { ...planOf(run), database: 'Payroll' };
    await place.store.change(key, Buffer.from(JSON.stringify(other)), { etag });
    await expect(place.confirm(run)).rejects.toThrow(refusal('ApprovalVoid'));
  });

  it('a vote for another plan is none', async () => {
    const run = await place.waitingRun();
    const key = `runs/${run.id}/plan.json`;
    const { etag } = (await place.store.read(key))!;
    await place.store.change(key, Buffer.from(JSON.stringify({ ...planOf(run), database: 'Payroll' })), { etag });
    expect((await place.say(run, 'ben')).approval.decision).toBeNull();
    expect(place.woken).toEqual([]);
  });
});

describe('waiting', () => {
  it('a run that is woken without a decision waits on, until the next reminder or the end', async () => {
    const run = await place.waitingRun();
    expect(await wake(place.world, run.id)).toBe(true);
    expect(await place.confirm(run)).toEqual({ awaitSeconds: 30 * 60 });
    await place.clock.advance(220 * MINUTE_MS);
    expect(await place.confirm(run)).toEqual({ awaitSeconds: 20 * 60 });
  });

  it('a decision that found no token to wake with wakes the run as soon as it waits again', async () => {
    const run = await place.waitingRun();
    await wake(place.world, run.id);
    await place.say(run, 'ben');
    expect(place.woken).toEqual([`token of ${run.id}`]);
    await place.opened(run, 'the next token');
    expect(place.woken).toEqual([`token of ${run.id}`, 'the next token']);
  });

  it('holds up no request that needs nobody, and is joined by one that would wait as well', async () => {
    const run = await place.waitingRun('ana');
    const ask = (requestKey: string, person: string) =>
      requestBackup(place.world, {
        instance: 'prod',
        by: { door: 'slack', person, channel: null },
        requestKey,
        reason: null,
        consistency: 'online',
      });
    expect(await ask('a second', 'ben')).toMatchObject({ isJoined: true, run: { id: run.id } });
    place.policy({ ...ONE, count: 0, who: ['ben'] }, ONE);
    expect((await ask('a third', 'ben')).isJoined).toBe(false);
  });
});

describe('a request', () => {
  const ask = (person: string) =>
    requestBackup(place.world, {
      instance: 'prod',
      by: { door: 'slack', person, channel: null },
      requestKey: `by ${person}`,
      reason: null,
      consistency: 'quiesced',
    });

  it('that the policy denies starts nothing', async () => {
    place.policy({ effect: 'deny', who: ['dan'], verbs: ['backup'] });
    await expect(ask('dan')).rejects.toThrow(refusal('RequestNotAllowed', /dan may not ask/));
    expect((await ask('ana')).run.approval).toBeUndefined();
  });

  it('that nobody could ever approve is refused at once', async () => {
    place.policy({ ...ONE, approvers: ['ana', 'ben'], count: 2 });
    await expect(ask('ana')).rejects.toThrow(refusal('ApprovalImpossible', /approval of 2, and only 1/));
    expect((await ask('cara')).run.approval).toMatchObject({ count: 2, isTyped: false });
  });
});

describe('break-glass', () => {
  const GLASS = { ...ONE, approvers: ['cara'], breakGlass: ['ana'] };

  it('lets one allowed person through alone, stays open, and is closed by somebody else', async () => {
    place.policy(GLASS);
    const run = await place.waitingRun('ana');
    await expect(place.say(run, 'ana', { kind: 'break-glass', reason: null })).rejects.toThrow(
      refusal('ApprovalReasonMissing'),
    );
    await place.say(run, 'ana', { kind: 'break-glass', reason: 'prod is down' });
    expect(await decisionOf(run)).toMatchObject({ isBreakGlass: true, persons: ['ana'], reason: 'prod is down' });
    expect(await place.confirm(run)).toEqual({ awaitSeconds: null });

    const close = (person: string, reason: string | null) =>
      closeBreakGlass(place.world, { runId: run.id, by: { door: 'terminal', person }, reason });
    await expect(close('ana', 'fine')).rejects.toThrow(refusal('ApprovalNotYours', /who can: ben, cara, dan/));
    await expect(close('ben', null)).rejects.toThrow(refusal('ApprovalReasonMissing'));
    expect(await close('ben', 'looked at it')).toMatchObject({ person: 'ben', reason: 'looked at it' });
    await expect(close('cara', 'me too')).rejects.toThrow(refusal('ApprovalNotOpen'));
  });

  it('is for nobody else, not even for an approver', async () => {
    place.policy(GLASS);
    const run = await place.waitingRun('ana');
    for (const person of ['ben', 'cara'])
      await expect(place.say(run, person, { kind: 'break-glass' })).rejects.toThrow(
        refusal('ApprovalNotYours', /who can: ana/),
      );
  });
});

/** A store whose writer is killed instead of writing a key that `isFatal`. */
const failing = (store: ObjectStore, isFatal: (key: string) => boolean): ObjectStore => ({
  ...store,
  create: (key, ...rest) => (isFatal(key) ? Promise.reject(new Error('killed')) : store.create(key, ...rest)),
});

describe('a kill before any write', () => {
  it.each(['vote', 'decision', 'wake'])('of %s leaves nothing half done', async (place_) => {
    const run = await place.waitingRun();
    const dying = place.over(
      failing(place.store, (key) => key.includes(place_ === 'vote' ? '/votes/' : `/${place_}.`)),
    );
    const world =
      place_ === 'wake'
        ? { ...dying, hostTasks: { ...dying.hostTasks, succeed: () => Promise.reject(new Error('killed')) } }
        : dying;
    const saying = {
      runId: run.id,
      by: { door: 'slack', person: 'ben' },
      kind: 'approve',
      reason: null,
      typed: null,
    } as const;
    await expect(say(world, saying)).rejects.toThrow('killed');
    expect(place.woken).toEqual([]);

    await wakeDecided(place.world);
    const isVoted = place_ !== 'vote';
    expect((await decisionOf(run))?.kind).toBe(isVoted ? 'approved' : undefined);
    expect(place.woken).toHaveLength(isVoted ? 1 : 0);
    // The person clicks again, as people do.
    await place.say(run, 'ben');
    expect(place.woken).toHaveLength(1);
    expect(await place.confirm(run)).toEqual({ awaitSeconds: null });
  });

  it('an engine that is not there yet is no error: the decision stands', async () => {
    const run = await place.waitingRun();
    const absent = () => Promise.reject(new OctoError('EngineNotReady', 'starting'));
    const world = { ...place.world, hostTasks: { ...place.world.hostTasks, succeed: absent } };
    const saying = {
      runId: run.id,
      by: { door: 'terminal', person: 'ben' },
      kind: 'approve',
      reason: null,
      typed: null,
    } as const;
    expect((await say(world, saying)).isWoken).toBe(false);
    await wakeDecided(place.world);
    expect(place.woken).toHaveLength(1);
    expect(await readRun(place.world, run.id)).toMatchObject({ status: 'running' });
  });
});
