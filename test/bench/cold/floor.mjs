/** The least a Slack door can be: verifies the signature, acknowledges, does nothing. What the bot's own door is compared with. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const handler = async ({ headers, body, isBase64Encoded }) => {
  const raw = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  const seconds = Number(headers['x-slack-request-timestamp']);
  const signed = Buffer.from(String(headers['x-slack-signature']));
  const hmac = createHmac('sha256', process.env.SLACK_SIGNING_SECRET).update(`v0:${seconds}:${raw}`);
  const expected = Buffer.from(`v0=${hmac.digest('hex')}`);
  const isFresh = Math.abs(Date.now() / 1000 - seconds) <= 300;
  const isGenuine = signed.length === expected.length && timingSafeEqual(signed, expected);
  return isFresh && isGenuine ? { statusCode: 200, body: '' } : { statusCode: 401, body: '' };
};
