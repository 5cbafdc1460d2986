/** `check`: bad news when a precondition fails, and the test message whose button proves the way back from Slack. */
import { describe, expect, it } from 'vitest';
import { perform } from '../../lib/commands/index.ts';
import type { Finding } from '../../lib/checks/index.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Reply } from '../../lib/domain/reply.ts';
import type { World } from '../../lib/ports/world.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';
import { commandsWorld } from './commands-world.ts';

it('check is bad news when a precondition fails', async () => {
  const reply = await commandsWorld().type('check');
  expect(reply).toMatchObject({ isBad: true, headline: expect.stringMatching(/^\d+ of \d+ preconditions FAIL/) });
});

const setUp = (chat: Partial<World['chat']> = {}) => {
  const scheduled = scheduleWorld('2026-03-04T10:00:00.000Z');
  const buttons: string[] = [];
  const world: World = { ...scheduled.world, chat: { ...scheduled.world.chat, ...chat } };
  const { post } = world.chat;
  world.chat.post = (message) => {
    const found = /"value":"(check clicked [^"]+)"/.exec(JSON.stringify(message.blocks));
    if (found?.[1] !== undefined) buttons.push(found[1]);
    return post(message);
  };
  let asked = 0;
  const type = (text: string, person = 'ana', door: 'slack' | 'terminal' = 'slack'): Promise<Reply> =>
    perform(world, text, { by: { door, person, channel: 'C1' }, requestKey: `test:${asked++}` });
  const ofSlack = async (): Promise<string[]> =>
    ((await type('check')).json as { Slack: Finding[] }).Slack.map(
      ({ subject, verdict, text }) => `${verdict} ${subject}: ${text}`,
    );
  return { ...scheduled, world, type, buttons, ofSlack };
};

describe('the test message', () => {
  it('is posted, and says that nothing has come back yet until its button was clicked', async () => {
    const { ofSlack, type, buttons, said, world } = setUp();
    expect(await ofSlack()).toEqual([
      'OK Slack message: a test message is in the channel',
      'WARN Slack button: no click has come back yet',
    ]);
    await scheduleAdvance(world, 4000);
    const reply = await type(buttons[0]!, 'ben');
    expect(reply.headline).toBe('The way from Slack to octo and back works.');
    expect(said.at(-1)).toMatchObject({
      kind: 'update',
      text: expect.stringMatching(/ben clicked after 4 s/) as string,
    });
    expect(JSON.stringify(said.at(-1))).not.toContain('check clicked');
    expect((await ofSlack())[1]).toMatch(/^OK Slack button: a click of ben came back at 2026-03-04 10:00 UTC/);
  });

  it('is proven once, by a click in Slack only', async () => {
    const { ofSlack, type, buttons } = setUp();
    await ofSlack();
    await expect(type(buttons[0]!, 'ana', 'terminal')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
    await type(buttons[0]!, 'ben');
    expect((await type(buttons[0]!, 'ana')).headline).toMatch(/clicked before/);
    expect(await type('check clicked chk_00000000')).toMatchObject({ json: { isProven: false } });
  });

  it('takes the button of an earlier one back', async () => {
    const { ofSlack, type, buttons, said } = setUp();
    await ofSlack();
    await ofSlack();
    expect(said.map(({ kind }) => kind)).toEqual(['post', 'post', 'update']);
    expect(said[2]).toMatchObject({ ts: said[0]!.ts, text: expect.stringContaining('nobody clicked') as string });
    expect(await type(buttons[0]!)).toMatchObject({ json: { isProven: false } });
  });

  it('that Slack does not take is a failure with its act, and no end of the check', async () => {
    const post = () => Promise.reject(new OctoError('ChatRefused', 'slack refused the message: not_in_channel'));
    const { ofSlack } = setUp({ post });
    expect(await ofSlack()).toEqual(['FAIL Slack message: slack refused the message: not_in_channel (ChatRefused)']);
  });
});

describe('groups that are kept in Slack', () => {
  const groupOf = async (groupMembers: World['chat']['groupMembers']): Promise<string | undefined> => {
    const { world, ofSlack } = setUp({ groupMembers });
    world.policy = { ...world.policy, slackGroups: { ops: 'S0OPS' }, slackPeople: { U0BEN: 'ben' } };
    return (await ofSlack()).at(-1);
  };

  it('are asked for, with who of them counts', async () => {
    expect(await groupOf(async () => ['U0BEN'])).toBe(
      'OK group @ops: 1 of 1 members of S0OPS are under people in octo.yml',
    );
    expect(await groupOf(async () => ['U0BEN', 'U0X'])).toMatch(/^WARN group @ops: 1 of 2/);
    const missing = new OctoError('ChatScopeMissing', 'the app lacks the scope usergroups:read');
    expect(await groupOf(() => Promise.reject(missing))).toMatch(/^FAIL group @ops: .*usergroups:read/);
  });
});

const scheduleAdvance = (world: World, ms: number): Promise<void> =>
  (world.clock as ReturnType<typeof scheduleWorld>['world']['clock']).advance(ms);
