/** The CloudFormation that `npm run package` makes of the example, offline: who may do what, what is encrypted, what stays. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { serverless } from '../../infra/package.ts';
import { definitions } from '../../lib/workflows/index.ts';

type Statement = {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: object;
};
type Resource = {
  Type: string;
  Properties: Record<string, unknown>;
  Condition?: string;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};
type Role = { Policies: { PolicyDocument: { Statement: Statement[] } }[]; AssumeRolePolicyDocument: object };

const output = mkdtempSync(join(tmpdir(), 'octo-package-'));
let resources: Record<string, Resource>;

beforeAll(async () => {
  const example = { config: 'infra/example/octo.yml', authority: 'infra/example/worker-ca.pem' };
  const status = await serverless(['package', '--package', output, '--stage', 'test'], {
    ...example,
    output: 'ignore',
  });
  if (status !== 0) throw new Error(`serverless ended with ${status}`);
  const text = readFileSync(join(output, 'cloudformation-template-update-stack.json'), 'utf8');
  ({ Resources: resources } = JSON.parse(text) as { Resources: Record<string, Resource> });
}, 180_000);

afterAll(() => rmSync(output, { recursive: true, force: true }));

const ofType = (type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, { Type }]) => Type === `AWS::${type}`);
const propertiesOf = (id: string) => resources[id]!.Properties;
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
const statementsOf = (role: string): Statement[] =>
  (propertiesOf(role) as Role).Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
const allowedTo = (role: string, action: RegExp): Statement[] =>
  statementsOf(role).filter(({ Effect, Action }) => Effect === 'Allow' && list(Action).some((one) => action.test(one)));
const FUNCTIONS = ['Slack', 'Commands', 'Step', 'People', 'Remove', 'Events', 'Watcher', 'Verifier'];
const WORKERS = ['Prod1', 'Prod2', 'Spare1'];

describe('rights', () => {
  /** What the service authorization reference lists without a resource type. */
  const WITHOUT_RESOURCES =
    /^(xray:|logs:(Create|Get|Update|Delete|List)LogDeliver|logs:(PutResourcePolicy|Describe)|secretsmanager:ListSecrets$)/;

  it('names resources wherever the service knows any, and whole services nowhere', () => {
    const wide = ofType('IAM::Role').flatMap(([role]) =>
      statementsOf(role)
        .filter(({ Effect }) => Effect === 'Allow')
        .flatMap(({ Action, Resource }) => list(Action).map((action) => ({ role, action, Resource })))
        .filter(({ action, Resource }) => list(Resource).includes('*') && !WITHOUT_RESOURCES.test(action)),
    );
    expect(wide).toEqual([]);
    const actions = ofType('IAM::Role').flatMap(([role]) => statementsOf(role).flatMap(({ Action }) => list(Action)));
    expect(actions.length).toBeGreaterThan(100);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  it('gives each function a role of its own, that only Lambda may take', () => {
    for (const name of FUNCTIONS) {
      expect(propertiesOf(`${name}LambdaFunction`)['Role']).toEqual({ 'Fn::GetAtt': [`${name}Role`, 'Arn'] });
      expect((propertiesOf(`${name}Role`) as Role).AssumeRolePolicyDocument).toMatchObject({
        Statement: [{ Principal: { Service: 'lambda.amazonaws.com' } }],
      });
    }
    expect(ofType('Lambda::Function').map(([id]) => id)).toHaveLength(FUNCTIONS.length);
  });

  it('lets no function read a secret, and each worker the keys of what it may restore only', () => {
    for (const name of FUNCTIONS) expect(allowedTo(`${name}Role`, /^secretsmanager:(Get|Batch)/)).toEqual([]);
    const keysOf = (worker: string) => JSON.stringify(allowedTo(`${worker}Role`, /^secretsmanager:GetSecretValue/));
    expect(keysOf('Prod1')).toContain('octo/prod/master-key/*');
    expect(keysOf('Prod1')).not.toContain('octo/spare/');
    expect(keysOf('Spare1')).toContain('octo/prod/master-key/*');
  });

  it('lets nobody change or delete a secret', () => {
    for (const role of [...FUNCTIONS, ...WORKERS]) {
      const denied = statementsOf(`${role}Role`).filter(({ Effect }) => Effect === 'Deny');
      expect(JSON.stringify(denied)).toContain('secretsmanager:DeleteSecret');
      expect(JSON.stringify(denied)).toContain('secretsmanager:PutSecretValue');
      expect(allowedTo(`${role}Role`, /^secretsmanager:(Delete|Put|Update)/)).toEqual([]);
    }
  });

  it('lets `remove` alone delete data of archives', () => {
    for (const role of [...FUNCTIONS, ...WORKERS].filter((name) => name !== 'Remove')) {
      const deleted = allowedTo(`${role}Role`, /^s3:DeleteObject/).flatMap(({ Resource }) => list(Resource));
      const ofArchives = deleted.map((one) => JSON.stringify(one)).filter((one) => one.includes('acme-octo-archives'));
      expect(ofArchives.filter((one) => !/\/(probe|damaged)\/\*/.test(one))).toEqual([]);
    }
    expect(JSON.stringify(allowedTo('RemoveRole', /^s3:DeleteObject/))).toContain('acme-octo-archives/*');
  });

  it('lets a worker write under its own instances and hosts only', () => {
    const written = allowedTo('Spare1Role', /^s3:PutObject/).flatMap(({ Resource }) => list(Resource));
    const paths = written.map((one) => JSON.stringify(one));
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((path) => /\/prod\/|prod-1|approvals|audit/.test(path))).toEqual([]);
    expect(allowedTo('Spare1Role', /^(states:StartExecution|lambda:)/)).toEqual([]);
  });

  it('lets a worker in by the certificate of its host', () => {
    expect((propertiesOf('Prod2Role') as Role).AssumeRolePolicyDocument).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'rolesanywhere.amazonaws.com' },
          Condition: {
            StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'prod-2' },
            ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['WorkersTrust', 'TrustAnchorArn'] } },
          },
        },
      ],
    });
  });
});

describe('what stays', () => {
  it('is kept by a removal, and created by the first deployment only', () => {
    for (const id of ['Key', 'KeyAlias', 'ArchivesBucket', 'StateBucket'])
      expect(resources[id]).toMatchObject({
        Condition: 'IsFirst',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
      });
    // What is adopted gets its policy again.
    for (const id of ['ArchivesPolicy', 'StatePolicy']) expect(resources[id]!.Condition).toBeUndefined();
  });

  it('is versioned, encrypted and private; archives can be locked, and none is by default', () => {
    for (const id of ['ArchivesBucket', 'StateBucket'])
      expect(propertiesOf(id)).toMatchObject({
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } }],
        },
        PublicAccessBlockConfiguration: { BlockPublicPolicy: true, RestrictPublicBuckets: true },
      });
    expect(propertiesOf('ArchivesBucket')).toMatchObject({ ObjectLockEnabled: true });
    expect(propertiesOf('ArchivesBucket')).not.toHaveProperty('ObjectLockConfiguration');
  });

  it('is never expired by age', () => {
    for (const id of ['ArchivesBucket', 'StateBucket']) {
      const { Rules } = propertiesOf(id)['LifecycleConfiguration'] as { Rules: object[] };
      const known = new Set(['Id', 'Status', 'AbortIncompleteMultipartUpload', 'NoncurrentVersionExpiration']);
      expect(Rules.flatMap((rule) => Object.keys(rule)).filter((key) => !known.has(key))).toEqual([]);
    }
  });

  const policyOf = (id: string) =>
    (propertiesOf(id)['PolicyDocument'] as { Statement: Statement[] }).Statement.map(({ Sid, ...rest }) => [Sid, rest]);

  it('is written conditionally, and over TLS only', () => {
    const archives = Object.fromEntries(policyOf('ArchivesPolicy')) as Record<string, Statement>;
    expect(archives['EncryptedOnItsWay']).toMatchObject({ Effect: 'Deny', Action: 's3:*' });
    expect(archives['NothingIsOverwritten']).toMatchObject({
      Effect: 'Deny',
      Action: 's3:PutObject',
      Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
    });
    expect(archives['OnlyRetentionRemoves']).toMatchObject({
      Effect: 'Deny',
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': { 'Fn::GetAtt': ['RemoveRole', 'Arn'] } } },
    });
    const state = Object.fromEntries(policyOf('StatePolicy')) as Record<string, Statement>;
    expect(state['EncryptedOnItsWay']).toMatchObject({ Effect: 'Deny' });
    expect(state['TheAuditIsWrittenOnce']).toMatchObject({
      Effect: 'Deny',
      Condition: { Null: { 's3:if-none-match': 'true' } },
    });
    expect(state['TheAuditStays']).toMatchObject({
      Effect: 'Deny',
      Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
    });
  });
});

describe('workflows', () => {
  it('has a machine for every definition, with the very text that our engine runs', () => {
    const machines = ofType('StepFunctions::StateMachine').map(([, { Properties }]) => Properties);
    expect(machines.map(({ StateMachineName: name }) => String(name)).toSorted()).toEqual(
      Object.keys(definitions)
        .map((name) => `octo-test-${name}`)
        .toSorted(),
    );
    for (const { StateMachineName, DefinitionString } of machines)
      expect(JSON.parse(DefinitionString as string)).toEqual(
        definitions[(StateMachineName as string).slice('octo-test-'.length)],
      );
  });

  it('fills in every placeholder with a function that the workflows may call', () => {
    const callable = JSON.stringify(allowedTo('WorkflowsRole', /^lambda:InvokeFunction/));
    for (const [, { Properties }] of ofType('StepFunctions::StateMachine')) {
      const placeholders = [...(Properties['DefinitionString'] as string).matchAll(/\$\{(\w+)\}/g)].map(
        ([, name]) => name!,
      );
      const filled = Properties['DefinitionSubstitutions'] as Record<string, { 'Fn::GetAtt': [string, string] }>;
      expect(Object.keys(filled).toSorted()).toEqual([...new Set(placeholders)].toSorted());
      for (const {
        'Fn::GetAtt': [id],
      } of Object.values(filled)) {
        expect(resources[id]?.Type).toBe('AWS::Lambda::Function');
        expect(callable).toContain(id);
      }
    }
  });

  it('reaches a queue for every host, with dead letters and alarms', () => {
    const sent = JSON.stringify(allowedTo('WorkflowsRole', /^sqs:SendMessage/));
    for (const [id, host] of [
      ['Prod1', 'prod-1'],
      ['Prod2', 'prod-2'],
      ['Spare1', 'spare-1'],
    ] as const) {
      expect(propertiesOf(`${id}Queue`)).toMatchObject({
        QueueName: `octo-test-${host}`,
        SqsManagedSseEnabled: true,
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [`${id}DeadLetters`, 'Arn'] } },
      });
      expect(sent).toContain(`${id}Queue`);
      expect(propertiesOf(`${id}Silent`)).toMatchObject({ TreatMissingData: 'breaching' });
    }
  });
});

describe('functions', () => {
  test.each(FUNCTIONS)('%s is packed with its handler', (name) => {
    const { Handler, Code } = propertiesOf(`${name}LambdaFunction`) as { Handler: string; Code: { S3Key: string } };
    const zip = readFileSync(join(output, Code.S3Key.split('/').at(-1)!));
    const base = Handler.replace(/\.handler$/, '');
    expect(zip.includes(`${base}.mjs`) || zip.includes(`${base}.cjs`)).toBe(true);
    expect(zip.includes('dist/octo.yml')).toBe(name !== 'Slack');
    expect(existsSync(`handlers/${base.split('/').at(-1)}.ts`)).toBe(true);
  });

  it('keeps logs for a time, and traces', () => {
    for (const [, { Properties }] of ofType('Logs::LogGroup'))
      expect(Properties).toMatchObject({ RetentionInDays: 90 });
    for (const [, { Properties }] of ofType('Lambda::Function'))
      expect(Properties).toMatchObject({ TracingConfig: { Mode: 'Active' }, Runtime: 'nodejs24.x' });
  });

  it('has no secret in the template', () => {
    for (const [, { Properties }] of ofType('Lambda::Function')) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };
      for (const name of Object.keys(Variables).filter((one) => /TOKEN|SECRET/.test(one)))
        expect(Variables[name]).toMatch(/^\{\{resolve:secretsmanager:octo\/slack:SecretString:\w+\}\}$/);
    }
  });
});
