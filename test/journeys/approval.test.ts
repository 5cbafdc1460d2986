/**
 * A backup behind approval, whole: the request in the channel, clicks and forms by people, one decision, and the run that goes
 * on or does not. The rules of deciding have their own tests in `test/runs/decide.test.ts`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { StoredMessage } from '../../sandbox/slack/workspace.ts';
import { eventually, type Installation, install } from './installation.ts';

const OCTO = fileURLToPath(new URL('../../worker/octo.js', import.meta.url));
const TWO_PEOPLE = { effect: 'approve', verbs: ['backup'], instances: ['prod'], expiryMinutes: 240 };

let place: Installation;

beforeAll(async () => {
  place = await install();
  await configure([TWO_PEOPLE]);
});
afterAll(() => place.remove());

/** The administrator writes another policy and starts the bot again. */
const configure = async (approval: unknown[]): Promise<void> => {
  await place.kill();
  const config = parse(readFileSync(place.configFile, 'utf8')) as Record<string, unknown>;
  writeFileSync(place.configFile, stringify({ ...config, approval }));
  await place.start();
};

const cardOf = (runId: string): StoredMessage | undefined =>
  place.slack.api
    .messages()
    .find(({ visibleTo, blocks }) => visibleTo === null && JSON.stringify(blocks).includes(runId));

const cardWith = (runId: string, text: string): Promise<StoredMessage> =>
  eventually(`a card of ${runId} with "${text}"`, async () => {
    const card = cardOf(runId);
    return card !== undefined && JSON.stringify(card).includes(text) ? card : null;
  });

const waiting = async (reason: string): Promise<{ runId: string; card: StoredMessage }> => {
  const runId = await place.ask('ana', `/octo backup now reason:"${reason}"`);
  return { runId, card: await cardWith(runId, 'command:approve') };
};

/** What only `person` was told since `act` began, in words or in a form. */
const toldAfter = async (person: string, act: () => Promise<unknown>): Promise<string> => {
  const before = place.slack.api.messages().length;
  for (const { id } of place.slack.api.forms(person)) await place.slack.api.dismiss(person, id);
  await act();
  return eventually(`an answer to ${person}`, async () => {
    const told = place.slack.api
      .messages()
      .slice(before)
      .find(({ visibleTo }) => visibleTo === place.slack.api.person(person)?.id);
    const said = JSON.stringify(told ?? formOf(person) ?? null);
    return said === 'null' ? null : said;
  });
};

/** The form that `person` has open, once it is filled. */
const formOf = (person: string) =>
  place.slack.api.forms(person).find(({ body }) => !JSON.stringify(body.blocks).includes('One moment'));

const click = (person: string, card: StoredMessage, actionId: string) =>
  place.slack.api.click(person, card.ts, actionId);

const fillIn = async (person: string, values: Record<string, string>): Promise<void> => {
  const form = await eventually(`a form for ${person}`, async () => {
    const open = formOf(person);
    return open !== undefined && 'submit' in open.body ? open : null;
  });
  expect(await place.slack.api.submit(person, form.id, values)).toEqual({ errors: null, failure: null });
};

describe('a backup behind approval', () => {
  it('shows its plan, holds no lock, and goes on when another person has typed the name of the instance', async () => {
    const { runId, card } = await waiting('before the upgrade');
    const shown = JSON.stringify(card.blocks);
    for (const words of [
      'waits for approval',
      'asked by ana',
      'before the upgrade',
      'database OctopusDeploy',
      'expires',
    ])
      expect(shown).toContain(words);
    expect((await place.world.state.read('prod/lock.json'))?.bytes.toString() ?? '').not.toContain(runId);
    const { token } = JSON.parse(String((await place.world.state.read(`approvals/${runId}/token.json`))?.bytes)) as {
      token: string;
    };
    expect(JSON.stringify(place.slack.api.messages())).not.toContain(token);

    expect(await toldAfter('ana', () => click('ana', card, 'command:approve'))).toMatch(/own request; who can: ben/);
    await click('ben', card, 'command:approve');
    await fillIn('ben', { confirm: 'prod' });

    const { run, steps } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [] });
    expect(steps.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['AwaitApproval', 'ConfirmPlan', 'PlanAgain']),
    );
    const done = await cardWith(runId, 'Backup good');
    expect(JSON.stringify(done.blocks)).toContain('approved by ben');
    expect(JSON.stringify(done.blocks)).not.toContain('command:approve');
  });

  it('ends as refused when somebody denies it, and says who and why', async () => {
    const { runId, card } = await waiting('again');
    await click('ben', card, 'command:deny');
    await fillIn('ben', { reason: 'not during the release' });
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'refused', error: { code: 'ApprovalDenied' } });
    const done = await cardWith(runId, 'Backup refused');
    expect(JSON.stringify(done.blocks)).toMatch(/ben denied it.*not during the release/);
    expect(JSON.stringify(done.blocks)).not.toContain('command:approve');
    expect(await toldAfter('ben', () => place.slack.api.type('ben', `/octo approve ${runId} confirm:prod`))).toMatch(
      /denied by ben.*ApprovalDecided/,
    );
  });

  it('does not let its requester in through the terminal', async () => {
    const { runId } = await waiting('through another door');
    const child = spawn(process.execPath, [OCTO, 'approve', runId, 'confirm:prod', '--config', place.configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [status] = (await once(child, 'exit')) as [number];
    expect(said).toMatch(/nobody approves their own request.*ApprovalNotYours/);
    expect(status).toBe(1);

    await place.slack.api.type('ana', `/octo cancel ${runId}`);
    expect((await place.ended(runId)).run.outcome).toMatchObject({ error: { code: 'Cancelled' } });
  });

  it('survives kill -9 while it waits, and between the vote and the waking', async () => {
    const { runId, card } = await waiting('the machine is unwell');
    await place.kill();
    await place.start();
    await click('ben', card, 'command:approve');
    await fillIn('ben', { confirm: 'prod' });
    await eventually('a vote', () => place.world.state.head(`approvals/${runId}/votes/ben.json`));
    await place.kill();
    await place.start();
    expect((await place.ended(runId)).run.outcome).toMatchObject({ word: 'good' });
  });

  it('no longer counts who was taken off the policy before the run went on', async () => {
    const { runId } = await waiting('a change of staff');
    await place.kill();
    // The vote and the decision of a ben who was an approver then, and a bot that died before it woke the run.
    const opening = JSON.parse(String((await place.world.state.read(`approvals/${runId}/opening.json`))?.bytes)) as {
      planHash: string;
    };
    const at = new Date().toISOString();
    const vote = { person: 'ben', door: 'slack', kind: 'approve', reason: null, planHash: opening.planHash, at };
    const { kind: _vote, person: _person, door: _door, ...made } = vote;
    const decision = { ...made, kind: 'approved', persons: ['ben'], isBreakGlass: false };
    await place.world.state.create(`approvals/${runId}/votes/ben.json`, Buffer.from(JSON.stringify(vote)));
    await place.world.state.create(`approvals/${runId}/decision.json`, Buffer.from(JSON.stringify(decision)));
    await configure([{ ...TWO_PEOPLE, approvers: ['ana'] }]);
    expect((await place.ended(runId)).run.outcome).toMatchObject({ word: 'refused', error: { code: 'ApprovalVoid' } });
  });

  it('reminds, then expires: the run is closed and the card takes its buttons back', async () => {
    await configure([{ ...TWO_PEOPLE, expiryMinutes: 2, remindMinutes: [1] }]);
    const { runId } = await waiting('nobody is there');
    await eventually(
      'a reminder',
      async () =>
        place.slack.api.messages().find(({ text }) => text.includes('Still waiting') && text.includes(runId)) ?? null,
    );
    const { run } = await place.ended(runId);
    expect(run.outcome).toMatchObject({ word: 'refused', error: { code: 'ApprovalExpired' } });
    const done = await cardWith(runId, 'Backup refused');
    expect(JSON.stringify(done.blocks)).not.toContain('command:approve');
  });
});
