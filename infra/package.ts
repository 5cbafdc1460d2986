/**
 * `npm run package` and `npm run deploy`: builds the functions, puts the configuration beside them, and calls `serverless` with
 * the words that were given. A package can be made of the example in infra/example; only a configuration of your own is deployed.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, FUNCTIONS } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLE = join('infra', 'example');

/** Runs `serverless <words>` on freshly built functions; gives its exit status. `config` and `authority` as in serverless.yml. */
export const serverless = async (
  words: readonly string[],
  { config, authority, output = 'inherit' }: { config: string; authority: string; output?: 'inherit' | 'ignore' },
): Promise<number> => {
  for (const name of FUNCTIONS) await bundle(name, join(ROOT, 'dist', 'functions'));
  copyFileSync(join(ROOT, config), join(ROOT, 'dist', 'octo.yml'));
  const params = ['--param', `config=${config}`, '--param', `certificateAuthority=${authority}`];
  const osls = join(ROOT, 'node_modules', 'osls', 'bin', 'serverless.js');
  return (
    spawnSync(process.execPath, [osls, ...words, ...params], { cwd: ROOT, stdio: ['inherit', output, 'inherit'] })
      .status ?? 1
  );
};

if (import.meta.main) {
  const words = process.argv.slice(2);
  const isExample = words[0] === 'package' && !existsSync(join(ROOT, 'octo.yml'));
  const folder = isExample ? EXAMPLE : '';
  if (isExample) process.stdout.write(`There is no octo.yml here: the package is made of ${EXAMPLE}.\n`);
  process.exitCode = await serverless(words, {
    config: join(folder, 'octo.yml'),
    authority: join(folder, 'worker-ca.pem'),
  });
}
