import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  decrypt,
  fingerprintOf,
  masterKeyBits,
  proveKey,
  type SealedValue,
} from '../../lib/domain/archives/master-key.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { selfSignedCertificate } from '../../sandbox/octopus/certificate.ts';

const SALT = '00112233445566778899aabbccddeeff';

/** Bytes that are the same in each run of the test. */
const bytesOf = (seed: string, count: number): Buffer => createHash('sha512').update(seed).digest().subarray(0, count);
const keyOf = (seed: string, bits: 128 | 256): Secret => new Secret(bytesOf(seed, bits / 8).toString('base64'));

const seal = (key: Secret, plain: Buffer | string, iv: Buffer = randomBytes(16)): Secret => {
  const bytes = Buffer.from(key.reveal(), 'base64');
  const cipher = createCipheriv(`aes-${bytes.length * 8}-cbc`, bytes, iv);
  const cipherText = Buffer.concat([cipher.update(plain), cipher.final()]);
  return new Secret(`${cipherText.toString('base64')}|${iv.toString('base64')}`);
};

const valueOf = (cipherText: Secret, kind: SealedValue['kind'] = 'text', id = 'v-1'): SealedValue => ({
  table: 'VariableSet',
  id,
  path: 'Variables[0].Value',
  kind,
  cipherText,
});

describe('fingerprint', () => {
  test('is the cut HMAC of the text under the salt', () => {
    expect(fingerprintOf(new Secret('key'), SALT)).toBe(fingerprintOf(new Secret('key'), SALT));
    expect(fingerprintOf(new Secret('key'), SALT)).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintOf(new Secret('key'), SALT)).not.toBe(fingerprintOf(new Secret('key'), `ff${SALT.slice(2)}`));
    // RFC 4231, test case 2: key "Jefe".
    const jefe = Buffer.from('Jefe').toString('hex');
    expect(fingerprintOf(new Secret('what do ya want for nothing?'), jefe)).toBe('5bdcc146bf60754e');
  });
});

describe('size of the key', () => {
  test.each([
    ['16 bytes', bytesOf('a', 16).toString('base64'), 128],
    ['32 bytes', bytesOf('a', 32).toString('base64'), 256],
    ['24 bytes', bytesOf('a', 24).toString('base64'), null],
    ['no base64', 'not a key', null],
    ['nothing', '', null],
  ])('%s', (_name, text, bits) => {
    expect(masterKeyBits(new Secret(text))).toBe(bits);
  });
});

describe('decrypt', () => {
  test.each([128, 256] as const)('opens what was sealed under a key of %i bits', (bits) => {
    const key = keyOf('k', bits);
    expect(decrypt(key, seal(key, 'päss wörd 🔑'))?.toString()).toBe('päss wörd 🔑');
    expect(decrypt(key, seal(key, ''))?.toString()).toBe('');
  });

  test('opens a NIST vector', () => {
    // SP 800-38A F.2.1, first block, followed by a whole block of padding under the same chain.
    const key = new Secret(Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex').toString('base64'));
    const plain = Buffer.from('6bc1bee22e409f96e93d7e117393172a', 'hex');
    const iv = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    const sealed = seal(key, plain, iv);
    expect(Buffer.from(sealed.reveal().split('|')[0]!, 'base64').subarray(0, 16).toString('hex')).toBe(
      '7649abac8119b246cee98e9b12e9197d',
    );
    expect(decrypt(key, sealed)).toEqual(plain);
  });

  test.each([
    'no bar',
    '|',
    'QUJD|QUJD',
    `${'A'.repeat(20)}|${bytesOf('iv', 16).toString('base64')}`,
    `${bytesOf('c', 32).toString('base64')}|${bytesOf('iv', 15).toString('base64')}`,
    `${bytesOf('c', 32).toString('base64')}|${bytesOf('iv', 16).toString('base64')}|more`,
  ])('refuses %s', (text) => {
    expect(decrypt(keyOf('k', 128), new Secret(text))).toBeNull();
  });
});

describe('proof', () => {
  const key = keyOf('right', 256);
  const wrong = keyOf('wrong', 256);

  test('the right key opens text and certificates', () => {
    const { der } = selfSignedCertificate('Octopus Portal', bytesOf('cert', 32), new Date('2024-01-01'));
    const pfx = Buffer.concat([Buffer.from('3082010a020103', 'hex'), bytesOf('pfx', 64), Buffer.alloc(199)]);
    const values = [
      valueOf(seal(key, 'hunter2')),
      valueOf(seal(key, '-----BEGIN KEY-----\r\nAAAA\r\n')),
      valueOf(seal(key, der.toString('base64')), 'certificate'),
      valueOf(seal(key, der), 'certificate'),
      valueOf(seal(key, pfx.toString('base64')), 'certificate'),
    ];
    expect(proveKey(key, values)).toEqual({ opened: 5, unopened: [], verdict: 'proven' });
  });

  test('what opens but is no certificate does not count', () => {
    const values = [valueOf(seal(key, 'hello'), 'certificate')];
    expect(proveKey(key, values)).toMatchObject({ opened: 0, verdict: 'wrong' });
  });

  test('a wrong key is told even where the padding fits by luck', () => {
    const lucky = Array.from({ length: 4000 }, (_, index) =>
      seal(key, `secret number ${index}`, bytesOf(`iv${index}`, 16)),
    )
      .filter((cipherText) => decrypt(wrong, cipherText) !== null)
      .map((cipherText) => valueOf(cipherText));
    // About one in 255 passes the padding check: enough of them to try the check of the content.
    expect(lucky.length).toBeGreaterThan(4);
    expect(proveKey(wrong, lucky)).toMatchObject({ verdict: 'wrong' });
  });

  test('one damaged value among many is damage, not a wrong key', () => {
    const values = [1, 2, 3].map((n) => valueOf(seal(key, `secret ${n}`), 'text', `v-${n}`));
    values.push(valueOf(new Secret('broken'), 'text', 'v-4'));
    expect(proveKey(key, values)).toEqual({
      opened: 3,
      unopened: ['VariableSet v-4 Variables[0].Value'],
      verdict: 'damaged',
    });
  });

  test('nothing to open is said', () => {
    expect(proveKey(key, [])).toMatchObject({ verdict: 'nothing' });
  });
});
