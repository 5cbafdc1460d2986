import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../sandbox/octopus/program/run.ts';
import { serves } from '../../sandbox/octopus/program/serves.ts';
import type { OctopusPlace } from './octopus-place.ts';
import { openPlace } from './octopus-place.ts';

let place: OctopusPlace;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(async () => place.close());

type Ended = { exitCode: number; stdout: string; stderr: string };

/** The program in this process; `octopus.host.test.ts` runs the installed one. */
const run = async (...words: string[]): Promise<Ended> => {
  const [out, err]: [string[], string[]] = [[], []];
  const print = (line: string): void => void out.push(line);
  const complain = (line: string): void => void err.push(line);
  const exitCode = await runProgram({ machine: place.directory, words, print, complain });
  return { exitCode, stdout: out.join('\n'), stderr: err.join('\n') };
};

describe('Octopus.Server', () => {
  it('knows the commands of its table and no others', async () => {
    const unknown = await Promise.all(
      serves.map(async ({ operation }) =>
        (await run(operation, '--instance=none')).exitCode === 2 ? operation : null,
      ),
    );
    const missing = serves.filter(({ extent }) => extent === 'none').map(({ operation }) => operation);
    expect(unknown.filter((operation) => operation !== null)).toEqual(missing);
  });

  it.each([
    ['an unknown command', ['backup'], 2],
    ['an unknown option', ['version', '--verbose'], 1],
    ['an option without its value', ['show-master-key', '--format'], 1],
    ['an unknown instance', ['show-master-key', '--instance=none'], 1],
    ['two acts at once', ['service', '--start', '--stop'], 1],
    ['no boolean', ['node', '--drain=yes'], 1],
    ['waiting without draining', ['node', '--drain=false', '--wait=5'], 1],
    ['a key of odd size', ['set-master-key', '--masterKey=AAAA'], 1],
    ['two licenses', ['license', '--licenseBase64=AA==', '--licenseFile=x'], 1],
    ['nothing wrong', ['version', '--console'], 0],
  ])('ends as the original does on %s', async (_what, command, exitCode) => {
    const ended = await run(...command);
    expect(ended.exitCode).toBe(exitCode);
    expect(exitCode === 0 ? ended.stdout : ended.stderr).not.toBe('');
  });

  it('takes values after an equals sign or after a space', async () => {
    const one = await run('list-instances', '--format=json');
    expect((await run('list-instances', '--format', 'json')).stdout).toBe(one.stdout);
    expect((await run('list-instances')).stdout).toMatch(/^Instance 'OctopusServer' uses configuration '.+'\.$/m);
  });

  it('shows the configuration in three forms, or in a file', async () => {
    const flat = JSON.parse((await run('show-configuration', '--format=json')).stdout) as Record<string, unknown>;
    const tree = JSON.parse((await run('show-configuration', '--format=json-hierarchical')).stdout) as {
      Octopus: { Server: Record<string, unknown> };
    };
    expect(tree.Octopus.Server['NodeName']).toBe(flat['Octopus.Server.NodeName']);
    const file = join(place.directory, 'shown.xml');
    expect((await run('show-configuration', `--file=${file}`)).stdout).toBe('');
    expect(readFileSync(file, 'utf8')).toContain('<set key="Octopus.Server.NodeName">prod-1</set>');
    expect((await run('show-configuration', '--format=yaml')).exitCode).toBe(1);
    expect(JSON.stringify(flat)).not.toContain(place.instance.masterKey);
  });

  it('sets the key in the configuration only', async () => {
    const other = Buffer.alloc(16, 3).toString('base64');
    expect((await run('set-master-key', `--masterKey=${other}`)).exitCode).toBe(0);
    expect((await run('show-master-key')).stdout.trim()).toBe(other);
    expect((await run('database', `--masterKey=${place.instance.masterKey}`)).exitCode).toBe(0);
    expect((await run('show-master-key')).stdout.trim()).toBe(place.instance.masterKey);
  });

  it('makes an administrator with a key, as after a restore', async () => {
    const apiKey = 'API-ONETIMEKEY';
    expect((await place.call('/api/users/me', { apiKey })).status).toBe(401);
    expect((await run('admin', '--username=dashboard', `--apiKey=${apiKey}`)).exitCode).toBe(0);
    expect((await place.call('/api/users/me', { apiKey })).body['Username']).toBe('dashboard');
    expect((await run('admin', '--username=nobody', `--apiKey=${apiKey}`)).exitCode).toBe(1);
  });

  it('takes a license from a file or from base64, byte for byte', async () => {
    const text = '<License Signature="c2ln">\n  <LicensedTo>Ümlaut &amp; Co</LicensedTo>\r\n</License>\n';
    const file = join(place.directory, 'license.xml');
    writeFileSync(file, text);
    expect((await run('license', `--licenseFile=${file}`)).exitCode).toBe(0);
    expect((await place.call('/api/licenses/licenses-current')).body['LicenseText']).toBe(text);
    expect((await run('license', `--licenseBase64=${Buffer.from(`${text} `).toString('base64')}`)).exitCode).toBe(0);
    expect((await place.call('/api/licenses/licenses-current')).body['LicenseText']).toBe(`${text} `);
  });

  it('drains, sets the cap, moves a folder', async () => {
    expect((await run('node', '--taskCap=3', '--drain=true', '--wait=1')).exitCode).toBe(0);
    const { body } = await place.call('/api/octopusservernodes/OctopusServerNodes-prod-1');
    expect(body).toMatchObject({ MaxConcurrentTasks: 3, IsInMaintenanceMode: true });
    expect((await run('node', '--drain=false')).exitCode).toBe(0);
    expect((await run('path', '--artifacts=/elsewhere')).exitCode).toBe(0);
    const folders = await place.call('/api/configuration/server-folders/values');
    expect(folders.body['ArtifactsDirectory']).toBe('/elsewhere');
  });

  it('makes and forgets instances; files stay', async () => {
    expect((await run('create-instance', '--instance=two', `--home=${join(place.directory, 'two')}`)).exitCode).toBe(0);
    expect((await run('create-instance', '--instance=two')).exitCode).toBe(1);
    expect((await run('list-instances')).stdout).toContain("'two'");
    expect((await run('delete-instance', '--instance=two')).exitCode).toBe(0);
    expect((await run('list-instances')).stdout).not.toContain("'two'");
    expect(readFileSync(join(place.directory, 'two', 'OctopusServer-two.config'), 'utf8')).toContain(
      'octopus-settings',
    );
  });

  it('cannot start a service that nobody manages', async () => {
    expect(
      (await run('create-instance', '--instance=alone', `--home=${join(place.directory, 'alone')}`)).exitCode,
    ).toBe(0);
    await place.octopus.close();
    expect((await run('service', '--restart')).exitCode).toBe(1);
  });
});
