/**
 * One signed request to an AWS service by nothing but Node: for the Slack door, where loading the SDK's client would take longer
 * than all the rest. Credentials are those that Lambda puts into the environment.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export type SignedRequest = {
  service: string;
  /** Where the service is. */
  endpoint: string;
  /** Percent-encoded; without a query. */
  path: string;
  /** In small letters. */
  headers: Record<string, string>;
  body: string;
  /** How long the service may be silent. */
  silenceMs: number;
};

/** Sends a POST; resolves with the status, whatever it is. Rejects when there is no answer. */
export const sendSigned = async (asked: SignedRequest, environment: NodeJS.ProcessEnv): Promise<number> => {
  const url = new URL(asked.path, asked.endpoint);
  const headers = signedHeaders(asked, { url, environment, now: new Date() });
  const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
  const request = send(url, { method: 'POST', headers, timeout: asked.silenceMs });
  request.on('timeout', () => request.destroy(new Error(`no answer for ${asked.silenceMs} ms`)));
  request.end(asked.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
};

type Signing = { url: URL; environment: NodeJS.ProcessEnv; now: Date };

const signedHeaders = ({ service, headers, body }: SignedRequest, { url, environment, now }: Signing) => {
  const { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: token } = environment;
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
  };
  const names = Object.keys(all).toSorted();
  const path = url.pathname.split('/').map(encodeURIComponent).join('/');
  const lines = names.map((name) => `${name}:${all[name]}\n`).join('');
  const canonical = ['POST', path, '', lines, names.join(';'), sha256(body)].join('\n');
  const scope = [time.slice(0, 8), environment['AWS_REGION'] ?? '', service, 'aws4_request'];
  const signingKey = scope.reduce<string | Buffer>(hmac, `AWS4${key}`);
  const signature = hmac(signingKey, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n'));
  const credential = `Credential=${keyId}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature.toString('hex')}`;
  return { ...all, authorization };
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
