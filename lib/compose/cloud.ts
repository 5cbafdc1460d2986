/**
 * The world of a cloud function: `octo.yml` as it was deployed, clients opened once and kept between calls.
 *
 * What differs between functions is what their roles let them do, not what they could ask for.
 */
import { slackAnswers } from '../adapters/slack/answers.slack.ts';
import { systemClock } from '../adapters/clock.system.ts';
import { compose } from '../compose.ts';
import { readConfig, resolveSecret, type Config } from '../config.ts';
import { OctoError } from '../domain/errors.ts';
import { createLog, type Log } from '../log.ts';
import type { Answers } from '../ports/answers.ts';
import type { World } from '../ports/world.ts';

export type Cloud = {
  world: World;
  config: Config;
  log: Log;
  answers: () => Answers;
  /** Where runs and alarms are shown unless the settings of an instance name another channel. */
  channel: string | null;
  /** What stands before every key in the bucket of the state store. */
  statePrefix: string;
};

let composed: Promise<Cloud> | undefined;

/** The same one in every call. `OCTO_CONFIG` names the file; by default it lies beside the bundle. @throws ConfigInvalid */
export const cloud = (): Promise<Cloud> => {
  composed ??= composeCloud(process.env);
  return composed;
};

const composeCloud = async (environment: NodeJS.ProcessEnv): Promise<Cloud> => {
  const config = readConfig(environment['OCTO_CONFIG'] ?? 'octo.yml');
  if (config.aws === undefined) throw new OctoError('ConfigInvalid', `${config.file} has no section "aws"`);
  const noEngine = () => Promise.reject(new OctoError('Bug', 'workflows do not run in this process'));
  const { world } = await compose({ config, environment, clock: systemClock, cloudStep: noEngine });
  const answers = (): Answers => {
    const { slack } = config;
    if (slack === undefined) throw new OctoError('ConfigInvalid', `${config.file} has no section "slack"`);
    const apiUrl = slack.apiUrl === undefined ? {} : { apiUrl: slack.apiUrl };
    return slackAnswers({ token: resolveSecret(slack.botToken, environment), ...apiUrl });
  };
  const statePrefix = 'prefix' in config.store.state ? config.store.state.prefix : '';
  return { world, config, log: createLog(), answers, channel: config.slack?.channel ?? null, statePrefix };
};
