/**
 * `npm start`: the whole product on one machine with nothing but Node, against stand-ins behind their real protocols.
 *
 * The product runs as a process of its own, started as an administrator would start it: `octo start --config octo.yml`.
 * With `--once "/octo …"` a command is typed into the channel, its story is printed, and the exit status is its outcome.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faultsHelp, isFault, needsS3, playFaults } from './faults.ts';
import { startStandIns, type StandIns } from './stand-ins.ts';
import { transcript } from './transcript.ts';
import type { StoredMessage } from './slack/workspace.ts';

const OCTO = fileURLToPath(new URL('../worker/octo.js', import.meta.url));
const PAGE_PORT = 4700;

const HELP = `npm start -- [options]
  --once "/octo …"  type one command as --as, print what happens, end with the status of its outcome
  --as NAME         ana (default) or ben
  --size MB         how much the Octopus instance holds (default 150; on first start only)
  --seed TEXT       another seed makes another instance (on first start only)
  --data DIR        where the sandbox lies (default .sandbox)
  --port N          of the page (default ${PAGE_PORT}; 0 takes a free one)
  --approval        a backup needs the approval of the other person
  --fault NAME      something goes wrong until the sandbox is stopped; may be given more than once

Faults, each with the value it has unless you give another:
${faultsHelp()}
`;

const { values: options } = parseArgs({
  options: {
    once: { type: 'string' },
    as: { type: 'string', default: 'ana' },
    size: { type: 'string', default: '150' },
    seed: { type: 'string', default: 'octo' },
    data: { type: 'string', default: '.sandbox' },
    port: { type: 'string' },
    approval: { type: 'boolean', default: false },
    fault: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const main = async (): Promise<number> => {
  if (options.help) {
    say(HELP);
    return 0;
  }
  const unknown = options.fault.filter((text) => !isFault(text));
  if (unknown.length > 0) {
    say(`There is no fault ${unknown.join(', ')}; --help lists those there are.`);
    return 2;
  }
  say(`starting the sandbox in ${options.data} …`);
  const standIns = await startStandIns({
    directory: resolve(options.data),
    seed: options.seed,
    sizeMegabytes: Number(options.size),
    port: Number(options.port ?? (options.once === undefined ? PAGE_PORT : 0)),
    hasS3: options.fault.some(needsS3),
    needsApproval: options.approval,
  });
  const product = await startProduct(standIns);
  let mend = async (): Promise<void> => {};
  try {
    mend = await playFaults(standIns, options.fault);
    return options.once === undefined ? await stayOpen(standIns) : await runOnce(standIns, options.once);
  } finally {
    product.kill('SIGTERM');
    await once(product, 'exit');
    await mend();
    await standIns.close();
  }
};

/** The product in its own process; resolves when it listens to Slack. */
const startProduct = async ({ configFile, environment, slack }: StandIns): Promise<ChildProcess> => {
  const product = spawn(process.execPath, [OCTO, 'start', '--config', configFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const lines = createInterface({ input: product.stdout });
  const url = await Promise.race([
    (async () => {
      for await (const line of lines) {
        const address = /https?:\S+/.exec(line)?.[0];
        if (address !== undefined) return address;
      }
      return null;
    })(),
    once(product, 'exit').then(() => null),
  ]);
  if (url === null) throw new Error('octo did not start; see above');
  slack.api.deliverTo(url);
  return product;
};

const stayOpen = async ({ slack, configFile }: StandIns): Promise<number> => {
  say(`\n  Open ${slack.url} and type /octo backup now\n`);
  say(`  In another terminal: npx octo status --config ${configFile}`);
  await new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
  });
  return 0;
};

const runOnce = async ({ slack, configFile, environment }: StandIns, command: string): Promise<number> => {
  const print = transcript(say, (user) => slack.api.person(user)?.name ?? user);
  const seen: StoredMessage[] = [];
  slack.api.onChange((change) => {
    if (change.kind !== 'message') return;
    seen.push(change.message);
    print(change.message);
  });
  say(`${options.as}: ${command}`);
  await slack.api.type(options.as, command);
  const answer = await firstAnswer(seen);
  const runId = /run_[0-9A-Z]{8}/.exec(answer)?.[0];
  if (runId === undefined) return /Code `\w+`/.test(answer) ? 2 : 0;
  const env = { ...process.env, ...environment };
  return ended(
    spawn(process.execPath, [OCTO, 'run', runId, '--wait', '--config', configFile], { stdio: 'ignore', env }),
  );
};

/** What the bot says first to whoever typed, as JSON text. */
const firstAnswer = async (seen: readonly StoredMessage[]): Promise<string> => {
  for (;;) {
    const answer = seen.find(({ visibleTo }) => visibleTo !== null);
    if (answer !== undefined) return JSON.stringify(answer);
    await new Promise((resume) => setTimeout(resume, 50));
  }
};

const ended = async (child: ChildProcess): Promise<number> => {
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
};

process.exitCode = await main();
