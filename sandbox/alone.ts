/** `octo sandbox <stand-in> --port N --data DIR`: one stand-in alone, for whoever wants to point another program at it. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { holdSandbox } from './hold.ts';
import { isPort, parseMistake } from './options.ts';

const USAGE_STATUS = 2;

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
  s3: async ({ port, directory }) => {
    const { startS3 } = await import('./aws/s3.ts');
    const s3 = await startS3({ port, directory, buckets: ['octopus-archives'] });
    return { ...s3, says: `S3 at ${s3.url}, bucket octopus-archives, ${await credentials()}` };
  },
  'secrets-manager': async ({ port, directory }) => {
    const { startSecretsManager } = await import('./aws/secrets-manager.ts');
    const secretsManager = await startSecretsManager({ port, directory });
    return { ...secretsManager, says: `Secrets Manager at ${secretsManager.url}, ${await credentials()}` };
  },
};

const credentials = async (): Promise<string> => {
  const { SANDBOX_CREDENTIALS } = await import('./aws/signature.ts');
  return `access key ${SANDBOX_CREDENTIALS.accessKeyId}, secret access key ${SANDBOX_CREDENTIALS.secretAccessKey}`;
};

/** Runs until it is told to stop. */
export const main = async (argv: string[]): Promise<number> => {
  const asked = understand(argv);
  if (typeof asked === 'string') return refuse(asked);
  const hold = holdSandbox(asked.directory);
  if (typeof hold === 'string') return refuse(hold);
  try {
    const started = await asked.start(asked);
    process.stdout.write(`${started.says}\n`);
    await new Promise<void>((stop) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
    });
    await started.close();
    return 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return refuse(`Port ${asked.port} is taken; name another with --port, or 0 for a free one.`);
  } finally {
    hold.release();
  }
};

const refuse = (sentence: string): number => {
  process.stderr.write(`${sentence}\n`);
  return USAGE_STATUS;
};

/** What is to be started, or why not. */
const understand = (argv: string[]): (Options & { start: (options: Options) => Promise<Started> }) | string => {
  const given = parse(argv);
  if (typeof given === 'string') return given;
  const [name = '', surplus] = given.positionals;
  const start = Object.hasOwn(standIns, name) ? standIns[name] : undefined;
  if (start === undefined) return `There is no stand-in "${name}"; there is ${Object.keys(standIns).join(', ')}.`;
  if (surplus !== undefined) return `One stand-in at a time; "${surplus}" is one too many.`;
  const port = Number(given.values.port);
  if (!isPort(port)) return `--port takes a number from 0 to 65535, not "${given.values.port}".`;
  return { start, port, directory: resolve(given.values.data ?? `.sandbox/${name}-alone`) };
};

const parse = (argv: string[]) => {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: { port: { type: 'string', default: '0' }, data: { type: 'string' } },
    });
  } catch (error) {
    return parseMistake(error);
  }
};
