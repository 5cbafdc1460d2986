/**
 * What stands around the functions: alarms, and one role each, each with what its code does and no more. None of them reads a master key, a license or a credential
 * of Octopus or SQL Server; only `remove` deletes from the archives; task tokens are read by those who wake runs.
 */
import { functionAlarms } from './alarms.ts';
import type { Deployment, Resources } from './deployment.ts';
import {
  allow,
  getArn,
  logicalId,
  mayDelete,
  mayRead,
  mayUseKey,
  mayWrite,
  neverLosesSecrets,
  role,
  sub,
  trusted,
  type Statement,
} from './policy.ts';
import { mayFollow, mayRun } from './workflows.ts';

export const functionResources = (deployment: Deployment): Resources => {
  const rights = Object.entries(rightsOf(deployment));
  const roles = rights.map(([name, statements]) => [
    `${logicalId(name)}Role`,
    role(`${deployment.name}-${name}`, trusted('lambda'), [...ofEach(deployment, name), ...statements]),
  ]);
  return {
    ...(Object.fromEntries(roles) as Resources),
    ...functionAlarms(
      deployment,
      rights.map(([name]) => name),
    ),
  };
};

const ofEach = (deployment: Deployment, name: string): Statement[] => [
  allow(
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    [
      sub(
        `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${deployment.name}-${name}:*`,
      ),
    ],
  ),
  // X-Ray knows no resources to limit this to.
  allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']),
  neverLosesSecrets(deployment),
];

const rightsOf = (deployment: Deployment): Record<string, Statement[]> => {
  const { archives, state } = deployment;
  const readsBoth = [...mayRead(archives, ['*']), ...mayRead(state, ['*']), mayUseKey()];
  const keepsRecords = [...readsBoth, mayWrite(state, ['*'])];
  return {
    slack: [allow(['lambda:InvokeFunction'], [getArn('CommandsLambdaFunction')])],
    commands: [
      ...keepsRecords,
      mayDelete(state, ['*/holds/*', 'holds/*', 'deletions/*', 'probe/*']),
      mayWrite(archives, ['*/accepted/*', 'probe/*']),
      mayDelete(archives, ['probe/*']),
      mayRun(deployment),
      mayFollow(deployment),
      // The names of the keys that are kept; a list cannot be limited to some of them.
      allow(['secretsmanager:ListSecrets'], ['*']),
      allow(['sqs:SendMessage'], [getArn('CommandsDeadLetters')]),
    ],
    step: [
      ...keepsRecords,
      mayWrite(archives, ['*/archives/*', '*/indexes/*', '*/damaged/*']),
      mayDelete(state, ['readers/*', 'deletions/*']),
    ],
    people: [...mayRead(state, ['*']), mayWrite(state, ['runs/*', 'approvals/*', 'cards/*']), mayUseKey()],
    remove: [
      ...keepsRecords,
      mayDelete(archives, ['*']),
      mayWrite(archives, ['*/damaged/*']),
      mayDelete(state, ['trash/*', 'deletions/*', 'readers/*']),
    ],
    events: [
      ...keepsRecords,
      mayRun(deployment),
      mayFollow(deployment),
      allow(
        ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
        [getArn('ChangesQueue')],
      ),
    ],
    watcher: [...readsBoth, mayWrite(state, ['watch/*', 'digest/*', 'slack/*'])],
    verifier: [
      ...readsBoth,
      mayWrite(state, ['verification/*', 'readers/*']),
      mayDelete(state, ['readers/*']),
      mayWrite(archives, ['*/damaged/*']),
    ],
  };
};
