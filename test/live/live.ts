/** `npm run live`: the suites of this folder with the real thing behind them; see live.test.ts for what it needs. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const vitest = join(import.meta.dirname, '..', '..', 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/live', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, OCTO_LIVE: '1' },
});
process.exitCode = status ?? 1;
