/** The configuration file: every problem at once with its line, secrets only by reference, paths relative to the file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDrillPlace } from '../lib/compose/drill-place.ts';
import { policyOf, readConfig, resolveSecret } from '../lib/config.ts';
import { Secret } from '../lib/domain/secrets/secret.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'octo-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (text: string): string => {
  const file = join(directory, 'octo.yml');
  writeFileSync(file, text);
  return file;
};

const GOOD = `version: 1
dataDirectory: data
store:
  archives: { directory: store/archives }
  state: { bucket: octo-state, region: eu-central-1 }
secrets: { directory: secrets, passphrase: env:PASSPHRASE }
instances:
  prod:
    apiKey: file:keys/api
    hosts:
      - { name: prod-1, url: 'https://octopus.example', program: { path: /opt/Octopus.Server } }
    database:
      name: OctopusDeploy
      connectionString: env:CONNECTION
      share: { sqlServerPath: '\\\\nas\\backup', workerPath: /mnt/backup }
`;

describe('readConfig', () => {
  it('resolves paths against the file and fills in defaults', () => {
    const config = readConfig(write(GOOD));
    expect(config.dataDirectory).toBe(join(directory, 'data'));
    expect(config.store.archives).toEqual({ directory: join(directory, 'store/archives') });
    expect(config.store.state).toEqual({ bucket: 'octo-state', prefix: '', region: 'eu-central-1' });
    expect(config.instances['prod']).toMatchObject({
      production: true,
      apiKey: `file:${join(directory, 'keys/api')}`,
      extraFolders: [],
    });
  });

  it('names every problem at once, with its line', () => {
    const file = write(
      GOOD.replace('env:PASSPHRASE', 'hunter2').replace('prod:', 'Prod:').replace('version: 1', 'version: 7'),
    );
    expect(() => readConfig(file)).toThrow(
      expect.objectContaining({
        code: 'ConfigInvalid',
        message: expect.stringMatching(/line 1: version.*line 6: secrets.*line 8: instances\.Prod/s),
      }),
    );
  });

  it('names what else is wrong beside a mode that there is not', () => {
    const slack = (text: string) => readConfig(write(`${GOOD}slack: { team: T1, channel: C1, ${text} }\n`));
    const http = 'port: 0, signingSecret: env:S, botToken: env:B';
    expect(slack(`mode: http, ${http}`).slack).toMatchObject({ mode: 'http', port: 0 });
    expect(() => slack(`mode: pigeon, ${http.replace('env:B', 'B').replace('port: 0', 'port: x')}`)).toThrow(
      /3 problem\(s\).*slack\.mode: the mode is http or socket.*slack\.port.*slack\.botToken: a secret is named/s,
    );
    expect(() => slack(`mode: socket, ${http}`)).toThrow(
      /slack\.appToken: is missing.*slack\.port: is not known here/s,
    );
    expect(() => slack(http)).toThrow(/slack\.mode: the mode is http or socket/);
  });

  it('takes where workflows run in AWS, where no port is named', () => {
    const slack = 'slack: { mode: http, team: T1, channel: C1, signingSecret: env:S, botToken: env:B }';
    const aws = 'aws: { region: eu-central-1, stateMachines: env:OCTO_STATE_MACHINES, queues: env:OCTO_QUEUES }';
    expect(readConfig(write(`${GOOD}${slack}\n${aws}\n`))).toMatchObject({
      slack: { port: 3000 },
      aws: { region: 'eu-central-1', queues: 'env:OCTO_QUEUES' },
    });
    expect(() => readConfig(write(`${GOOD}aws: { queues: x }\n`))).toThrow(/aws\.stateMachines/);
  });

  it('takes one place for a store', () => {
    const both = GOOD.replace('{ directory: store/archives }', '{ directory: a, bucket: octo-archives, region: x }');
    expect(() => readConfig(write(both))).toThrow(
      /1 problem\(s\)\nline 4: store\.archives: name a directory or a bucket, not both$/,
    );
  });

  it('reads the approval policy, and names what nothing bears', () => {
    const people = 'people: [{ name: ana }, { name: ben }]\ngroups: { approvers: [ben] }\n';
    const policy = (approvers: string) =>
      readConfig(
        write(`${GOOD}${people}approval:\n  - effect: approve\n    verbs: [backup]\n    approvers: ${approvers}\n`),
      );
    expect(policyOf(policy("['@approvers']"))).toEqual({
      people: ['ana', 'ben'],
      groups: { approvers: ['ben'] },
      statements: [expect.objectContaining({ who: ['everyone'], instances: null, count: 1, mayApproveSelf: false })],
      slackGroups: {},
      slackPeople: {},
    });
    expect(() => policy("['@aprovers']")).toThrow(/line 21: approval\.0\.approvers: there is no "@aprovers"/);
    expect(() => policy('[]')).toThrow(/line 21: approval\.0\.approvers/);
  });

  it('reads groups that are kept in Slack, and who is who there', () => {
    const people =
      'people: [{ name: ana, slack: U0ANA }, { name: ben }]\ngroups: { ops: { slack: S0OPS }, dba: [ben] }\n';
    expect(policyOf(readConfig(write(`${GOOD}${people}`)))).toMatchObject({
      groups: { ops: [], dba: ['ben'] },
      slackGroups: { ops: 'S0OPS' },
      slackPeople: { U0ANA: 'ana' },
    });
    expect(() => readConfig(write(`${GOOD}groups: { ops: { slack: ops } }\n`))).toThrow(/a Slack user group has an id/);
  });

  it('never repeats a secret that was written in by mistake', () => {
    const file = write(GOOD.replace('env:PASSPHRASE', 'hunter2'));
    expect(() => readConfig(file)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  it('says where YAML itself is broken', () => {
    expect(() => readConfig(write('version: 1\nstore: {'))).toThrow(/line 2/);
  });

  it('says which file is missing', () => {
    expect(() => readConfig(join(directory, 'no.yml'))).toThrow(expect.objectContaining({ code: 'ConfigMissing' }));
  });
});

describe('the section drill', () => {
  const drill = (yaml: string) => readConfig(write(`${GOOD}drill: ${yaml}\n`));
  const HOST = `{ name: drill-1, database: { connectionString: env:DRILL, share: { sqlServerPath: 'D:\\drill', workerPath: /mnt } } }`;
  const wiring = { secret: () => new Secret('none'), queueUrl: (host: string) => `queue of ${host}` };

  it('may be left out: then there is no place for drills', () => {
    expect(openDrillPlace(readConfig(write(GOOD)), wiring).place).toEqual({});
  });

  it('names a host and a SQL Server of its own, whose connection is opened when it is used', () => {
    const { drillPlace } = openDrillPlace(drill(`{ host: ${HOST} }`), wiring).place;
    expect(drillPlace).toMatchObject({
      folder: join(directory, 'data', 'drills'),
      bytesPerSecond: null,
      own: {
        host: { name: 'drill-1', queueUrl: 'queue of drill-1' },
        instances: ['prod'],
        share: { workerPath: '/mnt' },
      },
    });
  });

  it('allows the SQL Server of the instance only by its own word, and slowed down', () => {
    const { drillPlace } = openDrillPlace(drill('{ onProduction: true, folder: scratch }'), wiring).place;
    expect(drillPlace).toEqual({ folder: join(directory, 'scratch'), own: null, bytesPerSecond: 50_000_000 });
  });

  it.each(['{}', '{ onProduction: false }', `{ host: ${HOST}, onProduction: true }`])('refuses %s', (yaml) => {
    expect(() => drill(yaml)).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
  });
});

describe('resolveSecret', () => {
  it('reads the environment and the first line of a file', () => {
    const file = join(directory, 'key');
    writeFileSync(file, 'API-1234\nmore\n');
    expect(resolveSecret('env:NAME', { NAME: 'value' }).reveal()).toBe('value');
    expect(resolveSecret(`file:${file}`, {}).reveal()).toBe('API-1234');
  });

  it('refuses what has no value', () => {
    expect(() => resolveSecret('env:NAME', {})).toThrow(expect.objectContaining({ code: 'SecretMissing' }));
    expect(() => resolveSecret('file:/nowhere', {})).toThrow(expect.objectContaining({ code: 'SecretMissing' }));
  });
});
