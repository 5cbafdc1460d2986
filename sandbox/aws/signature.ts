/**
 * Checks Signature Version 4 as the services do: the same request signed with another secret, path, header or time is refused.
 * Signatures in headers only; signed URLs are not served.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { refusal } from './refusal.ts';

export type Credentials = { accessKeyId: string; secretAccessKey: string };

/** The one account of the sandbox. No secret: it opens nothing but stand-ins. */
export const SANDBOX_CREDENTIALS: Credentials = {
  accessKeyId: 'AKIAOCTOSANDBOX00000',
  secretAccessKey: 'sandbox/only+opens+nothing+but+stand/ins',
};

const MAX_SKEW_MS = 15 * 60_000;
const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/;

/** As it stands in the scope of a signature. */
export type ServiceName = 's3' | 'secretsmanager' | 'sqs' | 'states' | 'lambda';

/** `payloadHash` is what the service takes for the body: S3 a header that it compares later, the others the body's SHA-256. */
type Signer = { service: ServiceName; credentials: Credentials; now: Date; payloadHash: string };

/** Throws the service's own refusal when `request` is not signed by our one account for this service, now. */
export const checkSignature = (request: IncomingMessage, { service, credentials, now, payloadHash }: Signer): void => {
  const { authorization } = request.headers;
  if (authorization === undefined) throw refusal(403, 'AccessDenied', { message: 'Access Denied' });
  const [, credential = '', names = '', signature = ''] = AUTHORIZATION.exec(authorization) ?? [];
  const [accessKeyId, date = '', region = '', signedService, end] = credential.split('/');
  if (end !== 'aws4_request' || signedService !== service) {
    throw refusal(400, 'AuthorizationHeaderMalformed', { message: 'The authorization header is malformed' });
  }
  if (accessKeyId !== credentials.accessKeyId) {
    throw refusal(403, 'InvalidAccessKeyId', {
      message: 'The AWS Access Key Id you provided does not exist in our records.',
    });
  }
  const time = timeOf(request, date, now);
  const signedHeaders = names.split(';');
  checkSignedHeaders(request, signedHeaders);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const canonical = canonicalRequest(request, { signedHeaders, payloadHash, isPathRaw: service === 's3' });
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  );
  if (!timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'))) {
    throw refusal(403, 'SignatureDoesNotMatch', {
      message:
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    });
  }
};

const timeOf = (request: IncomingMessage, date: string, now: Date): string => {
  const time = String(request.headers['x-amz-date']);
  const [, day, hour, minute, second] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  if (day === undefined || day !== date)
    throw refusal(403, 'AccessDenied', { message: 'Invalid date in the signature' });
  const iso = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T${hour}:${minute}:${second}Z`;
  if (Math.abs(Date.parse(iso) - now.getTime()) > MAX_SKEW_MS) {
    const message = 'The difference between the request time and the current time is too large.';
    throw refusal(403, 'RequestTimeTooSkewed', { message });
  }
  return time;
};

/** The host and everything that is AWS's own must be signed, or a stranger could add it on the way. */
const checkSignedHeaders = (request: IncomingMessage, signed: string[]): void => {
  const needed = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  const missing = needed.filter((name) => !signed.includes(name));
  if (missing.length > 0) {
    const message = 'There were headers present in the request which were not signed';
    throw refusal(403, 'AccessDenied', { message, HeadersNotSigned: missing.join(', ') });
  }
};

type Canonical = { signedHeaders: string[]; payloadHash: string; isPathRaw: boolean };

/** The path is signed as sent to S3, and encoded once more for every other service. */
const canonicalRequest = (request: IncomingMessage, { signedHeaders, payloadHash, isPathRaw }: Canonical): string => {
  const [sent = '/', query = ''] = (request.url ?? '/').split('?');
  const path = isPathRaw ? sent : sent.split('/').map(encode).join('/');
  const headers = signedHeaders.map((name) => `${name}:${valueOf(request, name)}\n`).join('');
  return [request.method, path, canonicalQuery(query), headers, signedHeaders.join(';'), payloadHash].join('\n');
};

const valueOf = (request: IncomingMessage, name: string): string =>
  String(request.headers[name] ?? '')
    .trim()
    .replaceAll(/ +/g, ' ');

const canonicalQuery = (query: string): string =>
  [...new URLSearchParams(query)]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');

/** Percent-encoding as AWS has it: everything but letters, digits and `-_.~`. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
