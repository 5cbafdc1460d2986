/**
 * A self-signed X.509 certificate, made from seeded bytes: node reads certificates but makes none.
 * Ed25519, whose signatures need no randomness, so that a seed gives the same thumbprint each time. See RFC 5280, RFC 8410.
 */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

const der = (tag: number, ...content: Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...derLength(body.length)]), body]);
};
const derLength = (length: number): number[] => {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
};
const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const bitString = (bytes: Buffer): Buffer => der(0x03, Buffer.from([0]), bytes);
/** UTCTime covers 1950 to 2049. */
const utcTime = (at: Date): Buffer =>
  der(0x17, Buffer.from(`${at.toISOString().slice(2, 19).replaceAll(/[-T:]/g, '')}Z`));
const named = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(commonName)))));

const ED25519 = sequence(Buffer.from('06032b6570', 'hex'));
/** PKCS #8 around a raw 32-byte Ed25519 key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const VALID_YEARS = 15;

export type MadeCertificate = { der: Buffer; thumbprint: string };

/** A certificate for `commonName`, valid from `from` on; `keyBytes` are 32 bytes that decide its key. */
export const selfSignedCertificate = (commonName: string, keyBytes: Buffer, from: Date): MadeCertificate => {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, keyBytes]),
    format: 'der',
    type: 'pkcs8',
  });
  const until = new Date(from);
  until.setUTCFullYear(from.getUTCFullYear() + VALID_YEARS);
  const serial = createHash('sha256').update(keyBytes).digest().subarray(0, 15);
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), serial])),
    ED25519,
    named(commonName),
    sequence(utcTime(from), utcTime(until)),
    named(commonName),
    createPublicKey(privateKey).export({ format: 'der', type: 'spki' }),
  );
  const whole = sequence(body, ED25519, bitString(sign(null, body, privateKey)));
  return { der: whole, thumbprint: createHash('sha1').update(whole).digest('hex').toUpperCase() };
};
