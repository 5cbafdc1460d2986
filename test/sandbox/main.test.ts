/** `npm start` and `octo sandbox` at their doors: what is refused before anything is started, and one process a sandbox. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdSandbox } from '../../sandbox/hold.ts';
import { readOptions } from '../../sandbox/options.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'octo-main-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = async (...argv: string[]) => {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  return { said, status };
};

const npmStart = (...argv: string[]) => run('sandbox/main.ts', '--data', directory, ...argv);

const hold = () => {
  const held = holdSandbox(directory);
  if (typeof held === 'string') throw new Error(held);
  return held;
};

describe('options', () => {
  it.each([
    [['--bogus'], /^Unknown option '--bogus'\.$/],
    [['backup', 'now'], /^Unexpected argument 'backup'\.$/],
    [['--once'], /--once.* argument missing\.$/],
    [['--size', 'abc'], /^--size takes megabytes, not "abc"\.$/],
    [['--size', '-3'], /--size/],
    [['--as', 'zoe'], /^Nobody is called "zoe"; there is ana, ben, cara\.$/],
    [['--port', '70000'], /^--port takes a number from 0 to 65535, not "70000"\.$/],
    [['--fault', 'store-full', '--fault', 'rain'], /^There is no fault rain;/],
  ])('refuses %j in one sentence', (argv, sentence) => {
    expect(readOptions(argv)).toMatch(sentence);
  });

  it.each([
    ['backup now', '/octo backup now'],
    [' /octo  backup now ', '/octo  backup now'],
    ['', '/octo'],
    ['/octo', '/octo'],
    ['/backup now', '/octo /backup now'],
  ])('takes %j for a command', (typed, command) => {
    expect(readOptions(['--once', typed])).toMatchObject({ once: command, port: 0, person: 'ana' });
  });

  it('keeps the page open without --once', () => {
    expect(readOptions([])).toMatchObject({ once: null, port: 4700, sizeMegabytes: 150, faults: [] });
  });
});

describe('npm start', () => {
  it('refuses a mistake with its usage, before anything is written', async () => {
    const { said, status } = await run('sandbox/main.ts', '--data', join(directory, 'new'), '--bogus');
    expect(status).toBe(2);
    expect(said).toMatch(/^Unknown option '--bogus'\.\n\nnpm start -- \[options\]/);
    expect(existsSync(join(directory, 'new'))).toBe(false);
  });

  it('refuses a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { said, status } = await npmStart('--port', String(port));
    server.close();
    expect({ said, status }).toEqual({
      said: `Port ${port} is taken; name another with --port, or 0 for a free one.\n`,
      status: 2,
    });
    expect(existsSync(join(directory, 'octo.yml'))).toBe(false);
  });

  it('leaves a sandbox alone that somebody uses, and says who', async () => {
    const held = hold();
    held.reachedAt('http://127.0.0.1:4700');
    const { said, status } = await npmStart('--once', 'backup now');
    held.release();
    expect(status).toBe(2);
    expect(said).toBe(
      `The sandbox in ${directory} is in use: process ${process.pid}, page http://127.0.0.1:4700. Use that one, stop it, or name another place with --data.\n`,
    );
    expect(existsSync(join(directory, 'octo.yml'))).toBe(false);
  });
});

describe('holdSandbox', () => {
  it('is free again once it is released', () => {
    hold().release();
    expect(holdSandbox(directory)).toHaveProperty('release');
  });

  it('ends with its process, however that ends', async () => {
    const script = `const { holdSandbox } = await import(process.argv[1]); holdSandbox(process.argv[2]);
      console.log('held'); setInterval(() => {}, 1000);`;
    const module = join(import.meta.dirname, '../../sandbox/hold.ts');
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, module, directory]);
    await once(createInterface({ input: child.stdout }), 'line');
    expect(holdSandbox(directory)).toContain(`in use: process ${child.pid}.`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    hold().release();
  });
});

describe('octo start', () => {
  const CONFIG = `version: 1
dataDirectory: data
store: { archives: { directory: archives }, state: { directory: state } }
secrets: { directory: secrets, keyFile: key }
instances:
  prod:
    apiKey: env:KEY
    hosts: [{ name: prod-1, url: http://127.0.0.1:9, program: { path: /none, instanceName: none } }]
    database: { name: none, connectionString: env:SQL, share: { sqlServerPath: share, workerPath: share } }
`;

  it('stops when the program that started it is gone: it would hold on to data whose stand-ins have gone too', async () => {
    writeFileSync(join(directory, 'octo.yml'), CONFIG);
    writeFileSync(join(directory, 'key'), 'k'.repeat(64), { mode: 0o600 });
    const child = spawn(process.execPath, ['worker/octo.js', 'start', '--data', directory], {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
      env: { ...process.env, KEY: 'API-NONE', SQL: 'Server=127.0.0.1,9;Database=none' },
    });
    expect(await once(createInterface({ input: child.stdout! }), 'line')).toEqual(['octo is running']);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('octo sandbox', () => {
  const octo = (...argv: string[]) => run('worker/octo.js', 'sandbox', ...argv);

  it('starts a stand-in where --data says, and nothing else there meanwhile', async () => {
    const child = spawn(process.execPath, ['worker/octo.js', 'sandbox', 's3', '--data', directory]);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    expect(line).toMatch(/^S3 at http:\/\/127\.0\.0\.1:\d+, bucket octopus-archives, access key AKIA/);
    const { said, status } = await octo('secrets-manager', '--data', directory);
    expect({ status, said }).toEqual({ status: 2, said: expect.stringContaining(`in use: process ${child.pid}.`) });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('names all there are when asked for another', async () => {
    expect(await octo('mongo', '--data', directory)).toEqual({
      said: 'There is no stand-in "mongo"; there is slack, sql-server, octopus, s3, secrets-manager.\n',
      status: 2,
    });
  });
});
