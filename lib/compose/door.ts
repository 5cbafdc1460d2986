/**
 * What the Slack door in the cloud needs, from its environment alone: it reads no configuration file and opens no store, so
 * that it answers within Slack's three seconds also when it has just been started.
 */
import { lambdaHandOver } from '../adapters/aws/hand-over.lambda.ts';
import { OctoError } from '../domain/errors.ts';
import { Secret } from '../domain/secrets/secret.ts';
import { createLog, type Log } from '../log.ts';

export type CloudDoor = {
  signingSecret: Secret;
  botToken: Secret;
  apiUrl?: string;
  allow: { team: string; channels: readonly string[] };
  /** Takes a request over; what it answers is said later. @throws HandOverFailed */
  handOver: (payload: unknown) => Promise<void>;
  log: Log;
};

/** @throws SecretMissing for whatever the environment lacks */
export const composeDoor = (environment: NodeJS.ProcessEnv): CloudDoor => {
  const of = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') throw new OctoError('SecretMissing', `env:${name} has no value`);
    return value;
  };
  const apiUrl = environment['SLACK_API_URL'];
  return {
    signingSecret: new Secret(of('SLACK_SIGNING_SECRET')),
    botToken: new Secret(of('SLACK_BOT_TOKEN')),
    ...(apiUrl === undefined ? {} : { apiUrl }),
    allow: { team: of('SLACK_TEAM'), channels: of('SLACK_CHANNELS').split(',') },
    handOver: lambdaHandOver(of('OCTO_COMMANDS_FUNCTION'), environment),
    log: createLog(),
  };
};
