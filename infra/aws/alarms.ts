/** Alarms that follow from what is deployed: one on each workflow's failures, one on all functions' errors, one on their throttles. */
import type { Deployment, Resources } from './deployment.ts';
import { logicalId, machine } from './policy.ts';

type Metric = { namespace: string; name: string; dimension: [name: string, value: unknown] };

/** CloudWatch adds up ten metrics at most in one alarm, and takes no search. */
const MOST_METRICS = 9;

export const alarm = (AlarmName: string, properties: object) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: { AlarmName, ...properties, AlarmActions: [{ Ref: 'AlarmTopic' }], OKActions: [{ Ref: 'AlarmTopic' }] },
});

export const workflowAlarms = (deployment: Deployment, workflows: readonly string[]): Resources =>
  Object.fromEntries(
    workflows.map((workflow) => [
      `${logicalId(workflow)}Failed`,
      alarm(`${deployment.name} a ${workflow} failed`, {
        AlarmDescription:
          'A run did not come to its good end. Its card says what is safe now; `octo run <id> --history` shows every step.',
        ...sumAboveNone(
          ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((name) => ({
            namespace: 'AWS/States',
            name,
            dimension: ['StateMachineArn', machine(deployment, workflow)],
          })),
        ),
      }),
    ]),
  );

export const functionAlarms = ({ name }: Deployment, functions: readonly string[]): Resources => {
  const of = (metric: string): Metric[] =>
    functions.map((one) => ({
      namespace: 'AWS/Lambda',
      name: metric,
      dimension: ['FunctionName', `${name}-${one}`],
    }));
  return {
    FunctionsFail: alarm(`${name} functions fail`, {
      AlarmDescription: 'A function threw. Its log has a line with a code and what to do.',
      ...sumAboveNone(of('Errors')),
    }),
    FunctionsThrottled: alarm(`${name} functions throttled`, {
      AlarmDescription:
        'The account runs as many functions at once as it may. Ask AWS for a higher limit, or reserve some for the Slack door.',
      ...sumAboveNone(of('Throttles')),
    }),
  };
};

const sumAboveNone = (metrics: readonly Metric[]) => {
  if (metrics.length > MOST_METRICS) throw new Error(`an alarm adds up ${MOST_METRICS} metrics at most`);
  return {
    Metrics: [
      { Id: 'sum', Expression: 'SUM(METRICS())', Label: 'together', ReturnData: true },
      ...metrics.map(({ namespace, name, dimension: [Name, Value] }, at) => ({
        Id: `m${at}`,
        ReturnData: false,
        MetricStat: {
          Stat: 'Sum',
          Period: 300,
          Metric: { Namespace: namespace, MetricName: name, Dimensions: [{ Name, Value }] },
        },
      })),
    ],
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  };
};
