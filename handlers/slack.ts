/**
 * The Slack door in the cloud: verifies the request on its raw body, opens a form where one is due, hands everything else
 * over to `commands`, and only then acknowledges. It knows no store, no policy and no grammar.
 */
import wrap from '@middy/core';
import { AwsLambdaReceiver } from '@slack/bolt';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { composeDoor } from '../lib/compose/door.ts';
import type { HandedOver } from './commands.ts';
import { loggerOf, slackApp, type DoorLog } from './slack-app.ts';

const { signingSecret, handOver, log, ...parts } = composeDoor(process.env);
const doorLog: DoorLog = ({ level, message, code }) => log[level](message, code === undefined ? {} : { code });
const receiver = new AwsLambdaReceiver({ signingSecret: signingSecret.reveal(), logger: loggerOf(doorLog) });
slackApp({
  ...parts,
  receiver,
  log: doorLog,
  handOver: async (request, opened) => {
    await handOver({ request, viewId: await opened } satisfies HandedOver);
    return null;
  },
});

type Receive = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

export const handler = wrap(receiver.toHandler() as unknown as Receive)
  .before(({ event }) => {
    // Bolt reads base64 as ASCII: a name with an accent in a JSON body would break its signature.
    if (event.isBase64Encoded) event.body = Buffer.from(event.body ?? '', 'base64').toString();
    event.isBase64Encoded = false;
  })
  .onError((request) => {
    // Bolt reads the body before it looks at the signature: what it cannot read is a stranger's.
    log.warn('a request that cannot be read was refused');
    request.response = { statusCode: 400 };
  });
