/**
 * The way to Slack and back, tried: `check` posts a test message, and its button is `check clicked`. That the click arrives
 * is the proof; when it last did is kept and shown.
 */
import { fail, ok, warn, type Finding } from '../checks/finding.ts';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { runIdOf } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { noteClick, noteTest, readWayBack } from '../repository/people/way-back.ts';
import { provenMessage, supersededMessage, testMessage } from '../slack/check-message.ts';
import { utcTime } from '../slack/text.ts';
import type { Command, Request } from './grammar/command.ts';

type SlackWorld = Pick<World, 'state' | 'clock' | 'chat'>;

/** Posts the test message into the channel of whoever asks; nothing where there is no Slack. */
export const tryWayBack = async (world: SlackWorld, { by, requestKey }: Request): Promise<Finding[]> => {
  if (by.channel === null) return [];
  const id = runIdOf(`check:${requestKey}`).replace('run_', 'chk_');
  try {
    const posted = await world.chat.post({ ...testMessage(id, by.person), channel: by.channel });
    const postedAt = world.clock.now().toISOString();
    const before = await noteTest(world, { ...posted, id, postedAt });
    if (before !== null && !before.isClicked)
      await world.chat.update({ ...supersededMessage(), ...placeOf(before) }).catch(unlessGone);
  } catch (thrown) {
    const error = OctoError.from(thrown);
    return [fail('Slack message', `${error.message} (${error.code})`, error.advice)];
  }
  const { proven = null } = (await readWayBack(world)) ?? {};
  const act = 'Click [It works] under the test message in the channel.';
  return [
    ok('Slack message', 'a test message is in the channel'),
    proven === null
      ? warn('Slack button', 'no click has come back yet', act)
      : ok(
          'Slack button',
          `a click of ${proven.by} came back at ${utcTime(proven.at)}; the test message tries it anew`,
        ),
  ];
};

export const checkClicked: Command = {
  words: ['check', 'clicked'],
  summary: 'What the button of the test message of check says: the way back from Slack works.',
  positionals: [{ name: 'test', summary: 'the id of the test' }],
  options: {},
  example: '/octo check clicked chk_7F3K9Q2M',
  perform: async (world, { positionals }, { by }) => {
    if (by.door !== 'slack') throw new OctoError('ArgumentInvalid', 'only a click in Slack proves the way back');
    const at = world.clock.now().toISOString();
    const clicked = await noteClick(world, positionals['test'] ?? '', { by: by.person, at });
    if (clicked === null)
      return { headline: 'That test is over; the way back works all the same.', lines: [], json: { isProven: false } };
    const { test, isFirst } = clicked;
    const seconds = (Date.parse(test.proven?.at ?? at) - Date.parse(test.postedAt)) / 1000;
    const message = provenMessage(test.proven?.by ?? by.person, seconds);
    await world.chat.update({ ...message, ...placeOf(test) }).catch(unlessGone);
    return {
      headline: isFirst ? 'The way from Slack to octo and back works.' : 'It was clicked before; the way back works.',
      lines: [],
      json: { isProven: true, ...test.proven },
    };
  },
};

const placeOf = ({ channel, ts }: { channel: string; ts: string }) => ({ channel, ts });

/** Somebody tidied the channel. */
const unlessGone = (thrown: unknown): void => {
  if (!isOctoError(thrown, 'ChatMessageGone')) throw thrown;
};
