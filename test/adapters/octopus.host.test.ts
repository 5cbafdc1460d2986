import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { octopusHost } from '../../lib/adapters/octopus.host.ts';
import { octopusHttp } from '../../lib/adapters/octopus.http.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { OctopusProgram } from '../../lib/ports/octopus.ts';
import type { ProgramFaults } from '../../sandbox/octopus/program/faults.ts';
import { setProgramFaults } from '../../sandbox/octopus/program/faults.ts';
import { jumpingClock } from '../clock.ts';
import { errorOf, octopusProgramContract } from '../contracts/octopus.ts';
import type { OctopusPlace } from '../sandbox/octopus-place.ts';
import { openPlace } from '../sandbox/octopus-place.ts';

const contractFor = (name: string, masterKeyBits: 128 | 256, faults: Partial<ProgramFaults>): void =>
  octopusProgramContract(name, async () => {
    const place = await openPlace({ seed: { masterKeyBits } });
    setProgramFaults(place.directory, faults);
    const { programPath, instanceName, masterKey } = place.instance;
    const apiWith = (apiKey: Secret) => octopusHttp({ url: place.octopus.url, apiKey, clock: jumpingClock() });
    return {
      program: octopusHost({ programPath, instanceName }),
      api: apiWith(new Secret(place.instance.apiKey)),
      apiWith,
      masterKey,
      password: /Password=([^;]+)/.exec(place.connectionString)?.[1] ?? '',
      instanceName,
      close: async () => place.close(),
    };
  });

contractFor('on the host, 256-bit key', 256, {});
contractFor('on the host, 128-bit key, log lines before the output', 128, { hasLogLines: true });

describe('a program with troubles', () => {
  let place: OctopusPlace;
  let scratch: string;
  beforeAll(async () => {
    place = await openPlace();
    scratch = mkdtempSync(join(tmpdir(), 'octopus-host-'));
  });
  afterEach(() => setProgramFaults(place.directory, {}));
  afterAll(async () => {
    rmSync(scratch, { recursive: true, force: true });
    await place.close();
  });

  const program = (change: Partial<Parameters<typeof octopusHost>[0]> = {}): OctopusProgram =>
    octopusHost({ programPath: place.instance.programPath, instanceName: place.instance.instanceName, ...change });

  /** A program of our own that prints `output`. */
  const printing = (output: string): OctopusProgram => {
    const path = join(scratch, 'printing');
    writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`);
    chmodSync(path, 0o755);
    return program({ programPath: path });
  };

  it('is told from one that is not there', async () => {
    const path = join(scratch, 'none');
    expect((await errorOf(program({ programPath: path }).version())).code).toBe('OctopusProgramMissing');
    writeFileSync(path, '');
    expect((await errorOf(program({ programPath: join(path, 'below') }).version())).code).toBe('OctopusProgramMissing');
    chmodSync(path, 0o644);
    const { code, everything } = await errorOf(program({ programPath: path }).version());
    expect(code).toBe('OctopusProgramFailed');
    expect(everything).toContain('could not be run (EACCES)');
  });

  it('says why a command failed, unless the output may be secret', async () => {
    setProgramFaults(place.directory, { isDenied: true });
    const denied = await errorOf(program().stopService());
    expect(denied.code).toBe('OctopusProgramFailed');
    expect(denied.everything).toContain('Access is denied');
    expect((await errorOf(program().showConfiguration())).everything).not.toContain('Access is denied');
    setProgramFaults(place.directory, {});
    const unknown = await errorOf(program({ instanceName: 'other' }).startService());
    expect(unknown.everything).toContain('not been configured');
  });

  it('shows the key in an old version’s way', async () => {
    setProgramFaults(place.directory, { isOld: true });
    expect((await program().showMasterKey()).reveal()).toBe(place.instance.masterKey);
  });

  it('cannot show a key that cannot be unwrapped', async () => {
    setProgramFaults(place.directory, { isKeyUnreadable: true });
    expect((await errorOf(program().showMasterKey())).code).toBe('MasterKeyUnreadable');
  });

  it('is stopped when it does not end', async () => {
    setProgramFaults(place.directory, { delaySeconds: 600 });
    expect((await errorOf(program({ timeoutSeconds: 1 }).version())).code).toBe('OctopusProgramStalled');
  });

  it('takes the key by another command where it knows none for the database', async () => {
    const path = join(scratch, 'older');
    const said = join(scratch, 'said');
    const key = new Secret(place.instance.masterKey);
    writeFileSync(path, `#!/bin/sh\n[ "$1" = set-master-key ] || exit 2\necho "$@" > '${said}'\n`);
    chmodSync(path, 0o755);
    await program({ programPath: path }).setMasterKey(key);
    expect(readFileSync(said, 'utf8')).toBe(
      `set-master-key --instance=${place.instance.instanceName} --masterKey=${key.reveal()}\n`,
    );
  });

  it('keeps a secret argument out of its error, whatever the program says', async () => {
    const path = join(scratch, 'talkative');
    writeFileSync(path, '#!/bin/sh\necho "what is $@" >&2\nexit 1\n');
    chmodSync(path, 0o755);
    const talkative = program({ programPath: path });
    const secret = new Secret('TOP-SECRET-VALUE');
    for (const call of [
      () => talkative.setMasterKey(secret),
      () => talkative.setConnectionString(secret),
      () => talkative.setApiKey('ana', secret),
    ]) {
      const { code, everything } = await errorOf(call());
      expect(code).toBe('OctopusProgramFailed');
      expect(everything).not.toContain('TOP-SECRET');
    }
  });

  it('is run without a shell', async () => {
    const trap = join(scratch, 'trap');
    await errorOf(program({ instanceName: `x; touch ${trap}` }).startService());
    await errorOf(program({ instanceName: `$(touch ${trap})` }).startService());
    expect(existsSync(trap)).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['too short a key', '{ "MasterKey": "c2hvcnQ=" }'],
    ['not base64', '{ "MasterKey": "!!!!!!!!!!!!!!!!!!!!!!==" }'],
    ['192 bits', Buffer.alloc(24).toString('base64')],
    ['a sentence', 'The master key is not set.'],
  ])('shows what is no master key: %s', async (_what, output) => {
    expect((await errorOf(printing(output).showMasterKey())).code).toBe('MasterKeyUnreadable');
  });

  it('finds the value after lines that begin like it', async () => {
    const key = Buffer.alloc(16, 7).toString('base64');
    const output = `[1] INFO { starting\n{ not json\n{ "MasterKey": "${key}" }`;
    expect((await printing(output).showMasterKey()).reveal()).toBe(key);
  });

  it.each([
    ['no configuration', 'nothing here'],
    ['no connection string', '{ "Octopus": { "Home": "C:\\\\Octopus" } }'],
    ['a list', '[]'],
  ])('prints %s', async (_what, output) => {
    expect((await errorOf(printing(output).showConfiguration())).code).toBe('OctopusProgramFailed');
    expect((await errorOf(printing(output).version())).code).toBe('OctopusProgramFailed');
  });

  it('keeps no setting that looks like a secret by name or by value', async () => {
    const octopus = {
      Storage: { ExternalDatabaseConnectionString: 'Server=a;Password=p1' },
      Smtp: { SmtpPassword: 'p2', SmtpHost: 'mail.example.com' },
      Proxy: { Url: 'http://me:p3@proxy:3128', Port: 3128 },
      Other: {
        Text: 'Server=b;Pwd=p4',
        Cipher: `${Buffer.alloc(16).toString('base64')}|${Buffer.alloc(16).toString('base64')}`,
      },
      Auth: {
        AzureAD: { ClientKey: 'p5', ClientId: 'id', Enabled: 'True' },
        Hosts: ['a', 'b'],
        Pfx: Buffer.alloc(300, 5).toString('base64'),
      },
    };
    const { settings } = await printing(JSON.stringify({ Octopus: octopus })).showConfiguration();
    expect(settings).toEqual({
      'Octopus.Smtp.SmtpHost': 'mail.example.com',
      'Octopus.Proxy.Port': 3128,
      'Octopus.Auth.AzureAD.ClientId': 'id',
      'Octopus.Auth.AzureAD.Enabled': 'True',
      'Octopus.Auth.Hosts.0': 'a',
      'Octopus.Auth.Hosts.1': 'b',
    });
  });
});
