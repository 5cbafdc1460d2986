/** Short ways to write IAM statements and ARNs of this deployment. */
import type { Bucket, Deployment } from './deployment.ts';

export type Statement = { Effect: 'Allow' | 'Deny'; Action: string[]; Resource: unknown[]; Condition?: object };

export const sub = (text: string) => ({ 'Fn::Sub': text });
export const getArn = (resource: string) => ({ 'Fn::GetAtt': [resource, 'Arn'] });

/** `prod-1` becomes `Prod1`: CloudFormation's own names have letters and digits only. */
export const logicalId = (name: string): string =>
  name.replaceAll(/(^|-)([a-z0-9])/g, (_all, _dash, letter: string) => letter.toUpperCase());

/** Of the key: the one that this deployment creates, or the adopted one. */
export const KEY = { 'Fn::If': ['IsFirst', getArn('Key'), { Ref: 'AdoptedKey' }] };

export const allow = (Action: string[], Resource: unknown[], Condition?: object): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});

export const deny = (Action: string[], Resource: unknown[]): Statement => ({ Effect: 'Deny', Action, Resource });

export const objects = ({ bucket, prefix }: Bucket, patterns: readonly string[]) =>
  patterns.map((pattern) => sub(`arn:\${AWS::Partition}:s3:::${bucket}/${prefix}${pattern}`));

/** Reads objects, and tells a key that is not there from one that may not be read. */
export const mayRead = (at: Bucket, patterns: readonly string[]): Statement[] => [
  allow(['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention'], objects(at, patterns)),
  allow(['s3:ListBucket'], [sub(`arn:\${AWS::Partition}:s3:::${at.bucket}`)]),
];

export const mayWrite = (at: Bucket, patterns: readonly string[]): Statement =>
  allow(['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], objects(at, patterns));

export const mayDelete = (at: Bucket, patterns: readonly string[]): Statement =>
  allow(['s3:DeleteObject', 's3:DeleteObjectVersion'], objects(at, patterns));

/** What is stored and read is encrypted with the deployment's key, through S3 and Secrets Manager only. */
export const mayUseKey = (services: readonly string[] = ['s3']): Statement =>
  allow(['kms:Decrypt', 'kms:GenerateDataKey'], [KEY], {
    StringEquals: { 'kms:ViaService': services.map((service) => sub(`${service}.\${AWS::Region}.amazonaws.com`)) },
  });

export const machine = ({ name }: Deployment, workflow = '*') =>
  sub(`arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:${name}-${workflow}`);

export const secrets = ({ secrets }: Deployment, pattern: string) =>
  sub(`arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${secrets}${pattern}`);

/** Nobody of ours ever changes or deletes a secret, whatever else allows it. */
export const neverLosesSecrets = (deployment: Deployment): Statement =>
  deny(
    [
      'secretsmanager:DeleteSecret',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecret',
      'secretsmanager:UpdateSecretVersionStage',
      'secretsmanager:RemoveRegionsFromReplication',
    ],
    [secrets(deployment, '*')],
  );

/** A role with `statements` as its only policy; what would be about nothing at all is left out. */
export const role = (RoleName: string, trust: object, statements: readonly Statement[]) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName,
    AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...trust }] },
    Policies: [
      { PolicyName: 'work', PolicyDocument: { Version: '2012-10-17', Statement: statements.filter(isAboutSomething) } },
    ],
  },
});

const isAboutSomething = ({ Resource }: Statement): boolean => Resource.length > 0;

export const trusted = (service: string) => ({
  Principal: { Service: `${service}.amazonaws.com` },
  Action: 'sts:AssumeRole',
});
