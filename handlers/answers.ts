/**
 * What a request in Slack is answered with: a typed command or a button is carried out or opens its form, a sent form is
 * taken and may have a next page, a look at App Home is shown the present state. What each means is in `lib/commands` and `lib/runs/home.ts`.
 */
import type { Answer, HandOver } from './slack-app.ts';
import { takeForm } from '../lib/commands/grammar/forms.ts';
import { parseCommand, performParsed } from '../lib/commands/index.ts';
import type { Request } from '../lib/commands/grammar/command.ts';
import type { Config } from '../lib/config.ts';
import type { World } from '../lib/ports/world.ts';
import { readHome } from '../lib/runs/home.ts';
import { appHome } from '../lib/slack/app-home.ts';
import { commandText, type SlackRequest } from '../lib/slack/receive.ts';
import { replyMessage } from '../lib/slack/replies.ts';
import { slackPerson } from './person.ts';

/** Answers Slack's requests out of `world`. */
export const slackAnswers =
  (world: World, { people }: Pick<Config, 'people'>): HandOver =>
  async (request) => {
    const by = slackPerson(people, request);
    return answer(world, request, { by, requestKey: `slack:${request.team}:${request.triggerId}` });
  };

const answer = async (world: World, request: SlackRequest, asked: Request): Promise<Answer> => {
  if (request.kind === 'form') {
    const taken = await takeForm(world, request, asked);
    return 'form' in taken ? taken : replyMessage(taken);
  }
  if (request.kind === 'home') return appHome(await readHome(world, asked.by));
  const text = commandText(request);
  if (text === null) return null;
  const parsed = parseCommand(text);
  const form = (await parsed.command.form?.(world, parsed.args, asked)) ?? null;
  return form === null ? replyMessage(await performParsed(world, parsed, asked)) : { form };
};
