/**
 * The contracts on real services, with OCTO_LIVE=1: any S3 server (AWS_ENDPOINT_URL, or AWS itself) with a bucket named in
 * OCTO_LIVE_BUCKET, and Secrets Manager where OCTO_LIVE_SECRETS=1. Credentials and region come from the environment.
 * Objects are left under `octo-live/`, secrets under the same: give the bucket a rule, the account a broom.
 */
import { randomUUID } from 'node:crypto';
import { describe } from 'vitest';
import { s3ObjectStore } from '../../lib/adapters/object-store.s3.ts';
import { secretsManagerSecretStore } from '../../lib/adapters/secret-store.secrets-manager.ts';
import { objectStoreContract } from '../contracts/object-store.ts';
import { secretStoreContract } from '../contracts/secret-store.ts';

const { OCTO_LIVE, OCTO_LIVE_BUCKET, OCTO_LIVE_SECRETS, AWS_ENDPOINT_URL: endpoint } = process.env;
const isLive = OCTO_LIVE === '1';
const prefix = () => `octo-live/${randomUUID()}/`;

describe.runIf(isLive && OCTO_LIVE_BUCKET !== undefined)('live', () => {
  const options = { bucket: OCTO_LIVE_BUCKET ?? '', ...(endpoint !== undefined && { endpoint }) };
  objectStoreContract('s3', async () => s3ObjectStore({ ...options, prefix: prefix() }));
});

describe.runIf(isLive && OCTO_LIVE_SECRETS === '1')('live', () => {
  secretStoreContract('secrets-manager', async () => secretsManagerSecretStore({ prefix: prefix() }));
});
