/** `octo sandbox <stand-in> --port N`: one stand-in alone, for whoever wants to point another program at it. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

type Options = { port: number; directory: string };
type Started = { says: string; close(): Promise<void> };

const DEMO = { login: 'octo', password: 'sandbox-only', signingSecret: 'sandbox-only', botToken: 'xoxb-sandbox-only' };

const standIns: Readonly<Record<string, (options: Options) => Promise<Started>>> = {
  slack: async ({ port, directory }) => {
    const { startSlack } = await import('./slack/server.ts');
    const { signingSecret, botToken } = DEMO;
    const slack = await startSlack({
      port,
      directory,
      signingSecret,
      botToken,
      channel: 'octopus-ops',
      people: ['ana', 'ben'],
    });
    return {
      ...slack,
      says: `Slack at ${slack.url}, API ${slack.apiUrl}, token ${botToken}, signing secret ${signingSecret}`,
    };
  },
  'sql-server': async ({ port, directory }) => {
    const { startSqlServer } = await import('./sql-server/server.ts');
    const { login, password } = DEMO;
    const sqlServer = await startSqlServer({ port, directory, logins: { [login]: password } });
    return { ...sqlServer, says: `SQL Server at 127.0.0.1,${sqlServer.port}, login ${login}, password ${password}` };
  },
  octopus: async ({ port, directory }) => {
    const [{ startSqlServer }, { seedOctopus }, { startOctopus }] = await Promise.all([
      import('./sql-server/server.ts'),
      import('./octopus/seed.ts'),
      import('./octopus/server.ts'),
    ]);
    const { login, password } = DEMO;
    const sqlServer = await startSqlServer({
      directory: resolve(directory, 'sql-server'),
      logins: { [login]: password },
    });
    const connectionString = `Server=127.0.0.1,${sqlServer.port};Database=OctopusDeploy;User Id=${login};Password=${password};TrustServerCertificate=true`;
    const seeded = await seedOctopus({ directory, connectionString });
    const octopus = await startOctopus({ directory, port, connectionString });
    return {
      says: `Octopus at ${octopus.url}, API key ${seeded.apiKey}, program ${seeded.programPath}, database at 127.0.0.1,${sqlServer.port}`,
      close: async () => {
        await octopus.close();
        await sqlServer.close();
      },
    };
  },
};

/** Runs until it is told to stop. */
export const main = async (argv: string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { port: { type: 'string', default: '0' }, directory: { type: 'string' } },
  });
  const name = positionals[0] ?? '';
  const start = Object.hasOwn(standIns, name) ? standIns[name] : undefined;
  if (start === undefined) {
    process.stderr.write(`There is no stand-in "${name}"; there is ${Object.keys(standIns).join(', ')}.\n`);
    return 2;
  }
  const started = await start({
    port: Number(values.port),
    directory: resolve(values.directory ?? `.sandbox/${name}-alone`),
  });
  process.stdout.write(`${started.says}\n`);
  await new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
  });
  await started.close();
  return 0;
};
