/**
 * A believable server for measuring: packages, artifacts, task logs and a database dump, the same for the same seed; and
 * what a day changes in it. Sizes follow a server that was looked at; the dump is uncompressed, its pages lie in extents.
 */
import { closeSync, mkdirSync, openSync, readSync, renameSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Scale = { name: string; packages: number; artifacts: number; logs: number; extents: number };

export const SCALES: Record<'T' | 'S' | 'M', Scale> = {
  T: { name: 'T', packages: 40, artifacts: 12, logs: 250, extents: 24 },
  S: { name: 'S', packages: 1600, artifacts: 400, logs: 8000, extents: 960 },
  M: { name: 'M', packages: 9600, artifacts: 2400, logs: 48_000, extents: 7200 },
};

export type Corpus = { folders: string; dump: string };

const PAGE_BYTES = 8192;
const EXTENT_BYTES = 8 * PAGE_BYTES;
/** Long before the run: a fresh file would be read again. */
const MADE_AT = Math.floor(Date.now() / 1000) - 30 * 86_400;

/** Mulberry32: small, fast, and the same everywhere. */
const randomOf = (seed: number) => {
  let state = seed >>> 0;
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
type Random = ReturnType<typeof randomOf>;

/** Bytes that do not compress: cut out of one pool at a random place, with a random start. */
const noisePool = (random: Random): ((length: number) => Buffer) => {
  const pool = Buffer.alloc(32 << 20);
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return (length) => {
    const start = Math.floor(random() * (pool.length - length - 8));
    const bytes = Buffer.from(pool.subarray(start, start + length));
    // No two files share content by chance: every 4 KiB get a mark of their own.
    for (let at = 0; at + 8 <= length; at += 4096) bytes.writeDoubleLE(random(), at);
    return bytes;
  };
};

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());
const logNormal = (random: Random, median: number, spread: number): number =>
  median * Math.exp(spread * normal(random));
const clamp = (value: number, least: number, most: number): number =>
  Math.floor(Math.min(most, Math.max(least, value)));

const WORDS =
  'Acquiring packages|Deploy to web-01|exit code 0|Uploading|The deployment completed|Retention|Info|Verbose|Step 3'.split(
    '|',
  );

const logOf = (random: Random, length: number): Buffer => {
  const lines: string[] = [];
  for (let size = 0; size < length; size += lines.at(-1)!.length) {
    const word = WORDS[Math.floor(random() * WORDS.length)]!;
    lines.push(
      `{"time":"2026-10-${10 + Math.floor(random() * 20)}T${Math.floor(random() * 86_400)}","text":"${word} ${Math.floor(random() * 1e6)}"}\n`,
    );
  }
  return Buffer.from(lines.join('')).subarray(0, length);
};

const write = (path: string, bytes: Buffer, time: number): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  utimesSync(path, time, time);
};

type Maker = { folders: string; random: Random; noise: (length: number) => Buffer; day: number };

const addPackage = ({ folders, random, noise, day }: Maker, n: number): void => {
  const size = clamp(logNormal(random, 45_000, 1.35), 10_000, 21_000_000);
  write(
    join(folders, `Packages/feeds-builtin/Project${n % 60}/Project${n % 60}.${day}.${n}.nupkg`),
    noise(size),
    MADE_AT + day * 86_400 + n,
  );
};

const addArtifact = ({ folders, random, noise, day }: Maker, n: number): void => {
  const size = clamp(logNormal(random, 30_000, 1), 1000, 2_000_000);
  const isText = n % 2 === 0;
  const name = `Artifacts/projects-${n % 40}/artifact~${day}-${n}${isText ? '.txt' : '.bin'}`;
  write(join(folders, name), isText ? logOf(random, size) : noise(size), MADE_AT + day * 86_400 + n);
};

const addLog = ({ folders, random, day }: Maker, n: number): void => {
  const size = clamp(logNormal(random, 3600, 0.9), 200, 400_000);
  write(
    join(folders, `TaskLogs/servertasks-${Math.floor(n / 500)}/${day}-${n}.txt`),
    logOf(random, size),
    MADE_AT + day * 86_400 + n,
  );
};

/** An extent: 60 % rows that compress, 40 % that do not. */
const extentOf = ({ random, noise }: Maker): Buffer => {
  const pages = Array.from({ length: 8 }, () =>
    Buffer.concat([logOf(random, Math.floor(PAGE_BYTES * 0.6)), noise(PAGE_BYTES - Math.floor(PAGE_BYTES * 0.6))]),
  );
  return Buffer.concat(pages);
};

/** Day 0, into an empty directory. */
export const makeCorpus = (directory: string, scale: Scale): Corpus => {
  const corpus = { folders: join(directory, 'live'), dump: join(directory, 'dump/OctopusDeploy.bak') };
  const random = randomOf(1);
  const maker = { folders: corpus.folders, random, noise: noisePool(random), day: 0 };
  for (let n = 0; n < scale.packages; n++) addPackage(maker, n);
  for (let n = 0; n < scale.artifacts; n++) addArtifact(maker, n);
  for (let n = 0; n < scale.logs; n++) addLog(maker, n);
  mkdirSync(dirname(corpus.dump), { recursive: true });
  const file = openSync(corpus.dump, 'w');
  writeSync(file, noiseHeader(random));
  for (let n = 0; n < scale.extents; n++) writeSync(file, extentOf(maker));
  closeSync(file);
  return corpus;
};

/** What a backup set begins with: no multiple of a page, other bytes each time. */
const noiseHeader = (random: Random): Buffer => {
  const header = Buffer.alloc(3584 + 512 * Math.floor(random() * 4), 'MSSQLBAK');
  header.writeUInt32LE(header.length);
  header.writeDoubleLE(random(), 64);
  return header;
};

const headerBytes = (dump: number): number => {
  const length = Buffer.alloc(4);
  readSync(dump, length, 0, 4, 0);
  return length.readUInt32LE();
};

/**
 * A day later: 1 % more packages, 2 % more logs, and a new dump in which 5 % of the pages are changed, 0.4 % of the
 * extents new between others and 0.2 % freed.
 */
export const passDay = (corpus: Corpus, scale: Scale, day: number): void => {
  const random = randomOf(1000 + day);
  const maker = { folders: corpus.folders, random, noise: noisePool(random), day };
  for (let n = 0; n < Math.ceil(scale.packages / 100); n++) addPackage(maker, n);
  for (let n = 0; n < Math.ceil(scale.logs / 50); n++) addLog(maker, n);
  const [from, to] = [openSync(corpus.dump, 'r'), openSync(`${corpus.dump}.new`, 'w')];
  writeSync(to, noiseHeader(random));
  const extent = Buffer.alloc(EXTENT_BYTES);
  const first = headerBytes(from);
  for (let at = first; readSync(from, extent, 0, EXTENT_BYTES, at) === EXTENT_BYTES; at += EXTENT_BYTES) {
    if (random() < 0.004) writeSync(to, extentOf(maker));
    if (random() < 0.002) continue;
    for (let page = 0; page < 8; page++) {
      if (random() < 0.05) maker.noise(2000).copy(extent, page * PAGE_BYTES + Math.floor(random() * 6000));
    }
    writeSync(to, extent);
  }
  closeSync(from);
  closeSync(to);
  renameSync(`${corpus.dump}.new`, corpus.dump);
};
