/** The sandbox's `octo.yml` for the shape of AWS: stores, secrets, workflows and queues in the account, everything else as it was. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Account, BUCKETS } from './aws/account.ts';
import type { StandIns } from './stand-ins.ts';

const REGION = 'us-east-1';

type Slack = { team: string; channel: string; apiUrl: string };

/** Writes the file, and gives what every process of the deployment has in its environment. Ben has to ask before he backs up. */
export const configureOnAws = (
  { configFile }: StandIns,
  { directory, account }: { directory: string; account: Account },
): { configFile: string; environment: Record<string, string> } => {
  const config = parse(readFileSync(configFile, 'utf8')) as { slack: Slack };
  const bucket = (name: string) => ({ bucket: name, endpoint: account.s3.url, region: REGION });
  const onAws = join(directory, 'octo-aws.yml');
  writeFileSync(
    onAws,
    stringify({
      ...config,
      store: { archives: bucket(BUCKETS.archives), state: bucket(BUCKETS.state) },
      secrets: { prefix: 'octo/', endpoint: account.secretsManager.url, region: REGION },
      aws: { region: REGION, stateMachines: 'env:OCTO_STATE_MACHINES', queues: 'env:OCTO_QUEUES' },
      approval: [
        { effect: 'approve', who: ['ben'], verbs: ['backup'], typedConfirmation: false },
        { effect: 'approve', who: 'everyone', verbs: ['restore'] },
      ],
    }),
  );
  const key = (name: string) => readFileSync(join(directory, 'keys', name), 'utf8');
  const { team, channel, apiUrl } = config.slack;
  return {
    configFile: onAws,
    environment: {
      ...account.environment,
      PATH: process.env['PATH'] ?? '',
      OCTO_CONFIG: onAws,
      SLACK_SIGNING_SECRET: key('slack-signing-secret'),
      SLACK_BOT_TOKEN: key('slack-bot-token'),
      SLACK_TEAM: team,
      SLACK_CHANNELS: channel,
      SLACK_API_URL: apiUrl,
    },
  };
};
