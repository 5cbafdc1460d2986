/** The product in a process of its own, as `octo start` runs it but on a fast clock. Arguments: configuration, rate. */
import { readConfig } from '../../lib/config.ts';
import { createLog } from '../../lib/log.ts';
import { startAlone } from '../../worker/alone.ts';
import { fastClock } from './fast-clock.ts';

const [config = '', rate = '1'] = process.argv.slice(2);

const alone = await startAlone({
  config: readConfig(config),
  environment: process.env,
  clock: fastClock(Number(rate)),
  log: createLog(),
  hasSlackDoor: true,
});
process.stdout.write(`${alone.slackUrl}\n`);
process.once('SIGTERM', () => void alone.close().then(() => process.exit(0)));
