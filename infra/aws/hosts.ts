/**
 * What each host's worker has in the account: its queue with dead letters, alarms on both, and a role that it takes with its
 * certificate. A worker only adds: it deletes nothing of the archives, and changes no secret.
 */
import { alarm } from './alarms.ts';
import type { Deployment, Resources } from './deployment.ts';
import {
  allow,
  deny,
  getArn,
  logicalId,
  machine,
  mayDelete,
  mayRead,
  mayUseKey,
  mayWrite,
  neverLosesSecrets,
  objects,
  role,
  secrets,
  type Statement,
} from './policy.ts';

type Host = Deployment['hosts'][number];

/** A task is hidden for two minutes by whoever took it; five who died over it are enough. */
const MAX_RECEIVES = 5;
const DAYS_14 = 1_209_600;

export const hostResources = (deployment: Deployment): Resources => ({
  WorkersTrust: {
    Type: 'AWS::RolesAnywhere::TrustAnchor',
    Properties: {
      Name: `${deployment.name}-workers`,
      Enabled: true,
      Source: { SourceType: 'CERTIFICATE_BUNDLE', SourceData: { X509CertificateData: deployment.authority } },
    },
  },
  WorkersProfile: {
    Type: 'AWS::RolesAnywhere::Profile',
    Properties: {
      Name: `${deployment.name}-workers`,
      Enabled: true,
      DurationSeconds: 3600,
      RoleArns: deployment.hosts.map(({ name }) => getArn(`${logicalId(name)}Role`)),
    },
  },
  ...Object.assign({}, ...deployment.hosts.map((host) => ofHost(deployment, host))),
});

const ofHost = (deployment: Deployment, host: Host): Resources => {
  const id = logicalId(host.name);
  const QueueName = `${deployment.name}-${host.name}`;
  const kept = { MessageRetentionPeriod: DAYS_14, SqsManagedSseEnabled: true };
  return {
    [`${id}Queue`]: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        QueueName,
        ...kept,
        ReceiveMessageWaitTimeSeconds: 20,
        RedrivePolicy: { deadLetterTargetArn: getArn(`${id}DeadLetters`), maxReceiveCount: MAX_RECEIVES },
      },
    },
    [`${id}DeadLetters`]: { Type: 'AWS::SQS::Queue', Properties: { QueueName: `${QueueName}-dead`, ...kept } },
    [`${id}Role`]: role(`${deployment.name}-worker-${host.name}`, byCertificate(host), workerRights(deployment, host)),
    [`${id}Silent`]: alarm(`${QueueName} worker silent`, {
      AlarmDescription: `The worker on ${host.name} has not looked for tasks for 15 minutes. Start its service; see docs/aws.md.`,
      Namespace: 'AWS/SQS',
      MetricName: 'NumberOfEmptyReceives',
      Dimensions: [{ Name: 'QueueName', Value: QueueName }],
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 3,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    }),
    [`${id}DeadLettersAlarm`]: alarm(`${QueueName} dead letters`, {
      AlarmDescription: `A task for ${host.name} was taken ${MAX_RECEIVES} times and never recorded. Read it, see what the run says, and do not send it again.`,
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: `${QueueName}-dead` }],
      Statistic: 'Maximum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    }),
  };
};

/** Only the certificate that was issued to this host, by the authority of this deployment. */
const byCertificate = ({ name }: Host) => ({
  Principal: { Service: 'rolesanywhere.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
  Condition: {
    StringEquals: { 'aws:PrincipalTag/x509Subject/CN': name },
    ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['WorkersTrust', 'TrustAnchorArn'] } },
  },
});

const workerRights = (deployment: Deployment, host: Host): Statement[] => {
  const { archives, state } = deployment;
  const own = (pattern: string) => host.instances.map((instance) => pattern.replace('<instance>', instance));
  const readable = [...host.instances, ...host.readsFrom];
  const keys = readable.flatMap((instance) => [`${instance}/master-key/*`, `${instance}/license/*`]);
  return [
    allow(
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      [getArn(`${logicalId(host.name)}Queue`)],
    ),
    allow(['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'], [machine(deployment)]),
    ...mayRead(archives, [...readable.map((instance) => `${instance}/*`), 'probe/*']),
    mayWrite(archives, [...own('<instance>/*'), 'probe/*']),
    // A mark of damage goes when the data was stored anew.
    mayDelete(archives, [...own('<instance>/damaged/*'), 'probe/*']),
    ...mayRead(state, ['*']),
    deny(['s3:GetObject', 's3:GetObjectVersion'], objects(state, ['approvals/*/token.json'])),
    mayWrite(state, [
      'runs/*',
      `hosts/${host.name}/*`,
      'probe/*',
      ...own('<instance>/*'),
      ...own('readers/<instance>/*'),
      ...own('holds/<instance>/*'),
    ]),
    mayDelete(state, ['probe/*', ...own('readers/<instance>/*')]),
    allow(
      ['secretsmanager:CreateSecret', 'secretsmanager:DescribeSecret'],
      own('<instance>/*').map((pattern) => secrets(deployment, pattern)),
    ),
    allow(
      ['secretsmanager:GetSecretValue'],
      keys.map((pattern) => secrets(deployment, pattern)),
    ),
    // A list of secrets cannot be limited to some of them; it names them and shows no value.
    allow(['secretsmanager:ListSecrets'], ['*']),
    neverLosesSecrets(deployment),
    mayUseKey(['s3', 'secretsmanager']),
  ];
};
