/**
 * What an instance keeps encrypted under its master key: sensitive variables, certificates, accounts, feed passwords,
 * extension settings; and the names and places around them. Property names beyond `Variables[].Value` and
 * `CertificateData` are not published; these are the ones the REST API uses.
 */
import type { MadeCertificate } from '../certificate.ts';
import { selfSignedCertificate } from '../certificate.ts';
import { encryptValue } from '../data/cipher.ts';
import type { Row } from '../data/database.ts';
import type { Random } from '../data/random.ts';
import type { Project } from '../data/rows.ts';
import { idOf, mixedDocument, textDocument } from '../data/rows.ts';
import type { Rows } from './infrastructure.ts';
import { spaceIds } from './infrastructure.ts';

export type SecretsContext = { random: Random; masterKey: Buffer; now: Date };

const VECTOR_BYTES = 16;
const DAY_MS = 86_400_000;

const sealed = ({ random, masterKey }: SecretsContext, plainText: string): string =>
  encryptValue(masterKey, plainText, random.bytes(VECTOR_BYTES));

const variable = (project: Project, entry: { name: string; value: string; isSensitive: boolean }): object => ({
  Id: `${project.id}-${entry.name}`.toLowerCase(),
  Name: entry.name,
  Value: entry.value,
  Type: entry.isSensitive ? 'Sensitive' : 'String',
  IsEditable: true,
  Scope: {},
});

/** A project's variables; every other set is stored compressed. */
const variableSetRow = (context: SecretsContext, project: Project, index: number): Row => {
  const secret = (prefix: string): string => sealed(context, `${prefix}${context.random.word(24)}`);
  const plain = (name: string, value: string): object => variable(project, { name, value, isSensitive: false });
  const sensitive = (name: string, value: string): object => variable(project, { name, value, isSensitive: true });
  const document = {
    OwnerId: project.id,
    Variables: [
      plain('Api.BaseUrl', `https://${project.slug}.example.com/`),
      sensitive('Database.Password', secret('Pw!')),
      plain('Logging.Level', 'Information'),
      sensitive('Api.ClientSecret', secret('cs_')),
      plain('Cache.Minutes', '15'),
      sensitive('Smtp.Password', sealed(context, `grüße-${context.random.word(12)}`)),
    ],
  };
  return {
    Id: `variableset-${project.id}`,
    OwnerId: project.id,
    Version: 3 + index,
    IsFrozen: false,
    SpaceId: project.spaceId,
    ...mixedDocument(document, index % 2 === 1),
  };
};

const certificateRow = (
  context: SecretsContext,
  certificate: { id: string; name: string; spaceId: string | null; made: MadeCertificate },
): Row => ({
  Id: certificate.id,
  Name: certificate.name,
  Thumbprint: certificate.made.thumbprint,
  SpaceId: certificate.spaceId,
  ...textDocument({
    CertificateData: sealed(context, certificate.made.der.toString('base64')),
    CertificateDataFormat: 'Der',
    SignatureAlgorithm: 'sha512ED25519',
    PublicCer: certificate.made.der.toString('base64'),
  }),
});

const certificateRows = (context: SecretsContext): Row[] => {
  const from = new Date(context.now.getTime() - 400 * DAY_MS);
  const made = (name: string): MadeCertificate => selfSignedCertificate(name, context.random.bytes(32), from);
  const server = made('Octopus Portal');
  return [
    certificateRow(context, { id: 'certificate-global', name: 'Global certificate', spaceId: null, made: server }),
    ...spaceIds.map((spaceId, index) => {
      const name = `*.${spaceId.toLowerCase()}.example.com`;
      return certificateRow(context, { id: idOf('Certificates', index + 1), name, spaceId, made: made(name) });
    }),
  ];
};

const accountRows = (context: SecretsContext): Row[] => {
  const secret = (): string => sealed(context, context.random.word(40));
  return spaceIds.flatMap((spaceId, index) => [
    {
      Id: idOf('Accounts', index * 2 + 1),
      Name: `aws-deployer-${index + 1}`,
      AccountType: 'AmazonWebServicesAccount',
      SpaceId: spaceId,
      ...textDocument({ AccessKey: `AKIA${context.random.word(16).toUpperCase()}`, SecretKey: secret() }),
    },
    {
      Id: idOf('Accounts', index * 2 + 2),
      Name: `azure-principal-${index + 1}`,
      AccountType: 'AzureServicePrincipal',
      SpaceId: spaceId,
      ...textDocument({ ClientId: context.random.word(32), Password: secret() }),
    },
  ]);
};

const feedRows = (context: SecretsContext): Row[] =>
  spaceIds.flatMap((spaceId, index) => [
    {
      Id: `feeds-builtin-${spaceId}`,
      Name: 'Octopus Server (built-in)',
      FeedType: 'BuiltIn',
      FeedUri: null,
      SpaceId: spaceId,
      ...textDocument({ IsBuiltInRepoSyncEnabled: index === 0, DeleteUnreleasedPackagesAfterDays: null }),
    },
    {
      Id: idOf('Feeds', index + 1),
      Name: 'Container registry',
      FeedType: 'Docker',
      FeedUri: 'https://registry.example.com',
      SpaceId: spaceId,
      ...textDocument({ Username: 'octopus', Password: sealed(context, context.random.word(28)) }),
    },
  ]);

/** All rows that hold encrypted values. */
export const seedSecrets = (context: SecretsContext, projects: readonly Project[]): Rows => ({
  VariableSet: projects.map((project, index) => variableSetRow(context, project, index)),
  Certificate: certificateRows(context),
  Account: accountRows(context),
  Feed: feedRows(context),
  ExtensionConfiguration: [
    {
      Id: 'jira-integration',
      ExtensionAuthor: 'Octopus Deploy',
      ...textDocument({
        IsEnabled: true,
        BaseUrl: 'https://jira.example.com',
        Password: sealed(context, 'jira-token-7'),
      }),
    },
  ],
});
