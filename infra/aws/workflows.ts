/**
 * A state machine for every definition in lib/workflows, deployed by the very text that our own engine runs, and the role under
 * which they call functions and leave tasks in queues. What a definition calls `${CloudStep}` is filled in by CloudFormation.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workflowAlarms } from './alarms.ts';
import type { Deployment, Resources } from './deployment.ts';
import { allow, getArn, logicalId, machine, role, sub, trusted } from './policy.ts';

const WORKFLOWS = join(import.meta.dirname, '..', '..', 'lib', 'workflows');
const ENDING = '.asl.json';

/** The function behind each placeholder. */
export const STEP_FUNCTIONS = {
  CloudStep: 'StepLambdaFunction',
  PeopleStep: 'PeopleLambdaFunction',
  RemoveStep: 'RemoveLambdaFunction',
} as const;

export const workflowResources = (deployment: Deployment): Resources => {
  const files = readdirSync(WORKFLOWS).filter((file) => file.endsWith(ENDING));
  const workflows = files.map((file) => file.slice(0, -ENDING.length));
  return {
    WorkflowsRole: workflowsRole(deployment),
    ...Object.fromEntries(
      workflows.map((workflow) => [`${logicalId(workflow)}Workflow`, stateMachine(deployment, workflow)]),
    ),
    ...workflowAlarms(deployment, workflows),
  };
};

const stateMachine = ({ name }: Deployment, workflow: string) => {
  const text = readFileSync(join(WORKFLOWS, workflow + ENDING), 'utf8');
  const used = Object.entries(STEP_FUNCTIONS).filter(([placeholder]) => text.includes(`\${${placeholder}}`));
  return {
    Type: 'AWS::StepFunctions::StateMachine',
    // An execution that is under way ends as it began.
    UpdateReplacePolicy: 'Delete',
    DeletionPolicy: 'Delete',
    Properties: {
      StateMachineName: `${name}-${workflow}`,
      StateMachineType: 'STANDARD',
      RoleArn: getArn('WorkflowsRole'),
      DefinitionString: text,
      DefinitionSubstitutions: Object.fromEntries(used.map(([placeholder, id]) => [placeholder, getArn(id)])),
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: {
        Level: 'ERROR',
        // Names and numbers, never secrets: see lib/steps/step.ts.
        IncludeExecutionData: true,
        Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: getArn('WorkflowsLog') } }],
      },
    },
  };
};

/** Neither delivering logs nor traces can be limited to a resource: the services know none there. */
const workflowsRole = (deployment: Deployment) =>
  role(`${deployment.name}-workflows`, trusted('states'), [
    allow(
      ['lambda:InvokeFunction'],
      Object.values(STEP_FUNCTIONS).map((id) => getArn(id)),
    ),
    allow(
      ['sqs:SendMessage'],
      deployment.hosts.map(({ name }) => getArn(`${logicalId(name)}Queue`)),
    ),
    allow(
      [
        'logs:CreateLogDelivery',
        'logs:GetLogDelivery',
        'logs:UpdateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:DescribeResourcePolicies',
        'logs:DescribeLogGroups',
        'xray:PutTraceSegments',
        'xray:PutTelemetryRecords',
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
      ],
      ['*'],
    ),
  ]);

/** Who may ask what became of a run. */
export const mayFollow = (deployment: Deployment) =>
  allow(
    ['states:DescribeExecution', 'states:GetExecutionHistory'],
    [sub(`arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:execution:${deployment.name}-*`)],
  );

/** Who may begin runs, and wake those that wait for people. */
export const mayRun = (deployment: Deployment) =>
  allow(['states:StartExecution', 'states:SendTaskSuccess', 'states:SendTaskFailure'], [machine(deployment)]);
