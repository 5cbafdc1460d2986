/**
 * Who is asking: accounts of Slack and of this machine are mapped to persons, who count once through all doors.
 *
 * Whom the configuration does not map is called by the account with its door behind it, as no person of the configuration
 * can be: anybody may call themselves ben in Slack.
 */
import type { Config } from '../lib/config.ts';
import type { RunRecord } from '../lib/domain/runs/run.ts';
import type { SlackRequest } from '../lib/slack/receive.ts';

type By = RunRecord['requestedBy'];

export const slackPerson = (people: Config['people'], request: SlackRequest): By => ({
  door: 'slack',
  person: people.find(({ slack }) => slack === request.user)?.name ?? `${request.userName} (slack)`,
  channel: request.channel,
});

/** A run asked for in the terminal is shown in the channel as well, so that everybody sees it. */
export const terminalPerson = ({ people, slack }: Pick<Config, 'people' | 'slack'>, account: string): By => ({
  door: 'terminal',
  person: people.find((person) => person.account === account)?.name ?? `${account} (terminal)`,
  channel: slack?.channel ?? null,
});
