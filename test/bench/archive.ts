/**
 * Measures the archive beside the tools one would use instead: `node test/bench/archive.ts [S] [M]`. Writes
 * `docs/benchmarks.md`. Read the ratios: all tools run in turn on the same machine, on the same tree, each round.
 *
 * The store is a directory for every tool. The dump is new every day, as dumps are; on an unchanged day none is made.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCALES, type Scale, makeCorpus, passDay } from './corpus.ts';

type Step = 'first' | 'unchanged' | 'next day' | 'verify' | 'restore' | 'one file';
type Measure = { seconds: number; cpuSeconds: number; memoryMb: number; addedBytes: number; requests: number | null };
type Tool = {
  name: string;
  store: string;
  commands: Partial<Record<Step, string[]>>;
  before?: string[];
  between?: string[];
};
type Results = Map<string, Map<Step, Measure[]>>;

const STEPS: Step[] = ['first', 'unchanged', 'next day', 'verify', 'restore', 'one file'];
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const CHILD = join(import.meta.dirname, 'archive-child.ts');
/** As `octo` does: new objects get little room, and compiled code is kept from one start to the next. */
const FLAGS = ['--max-semi-space-size=4'];
const CODE = join(tmpdir(), 'octo-bench-code');
const REPORT = join(import.meta.dirname, '../../docs/benchmarks.md');
const ONE_FILE = 'TaskLogs/servertasks-0/0-123.txt';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const version = (program: string): string => {
  const flag = program === 'rclone' || program === 'restic' ? 'version' : '--version';
  return (spawnSync(program, [flag], { encoding: 'utf8' }).stdout ?? '').split('\n')[0]!.trim();
};

const toolsIn = (root: string): Tool[] => {
  const ours = (act: string, ...rest: string[]): string[] => [process.execPath, ...FLAGS, CHILD, act, root, ...rest];
  const sh = (script: string): string[] => ['sh', '-c', script];
  const restic = (script: string): string[] => sh(`cd ${root} && restic -q -r ${root}/restic ${script}`);
  const tools: (Tool & { needs: string[] })[] = [
    {
      name: 'octo-keeper',
      needs: [],
      store: `${root}/store`,
      commands: {
        first: ours('backup', '1'),
        unchanged: ours('unchanged', '2'),
        'next day': ours('backup', '3'),
        verify: ours('verify', '3'),
        restore: ours('restore', '3', `${root}/out-octo-keeper`),
        'one file': ours('single', '3', ONE_FILE, `${root}/one-octo-keeper`),
      },
      between: ours('seal', '3'),
    },
    {
      name: 'restic',
      needs: ['restic'],
      store: `${root}/restic`,
      before: restic('init --repository-version 2'),
      commands: {
        first: restic('backup live dump'),
        unchanged: restic('backup live dump'),
        'next day': restic('backup live dump'),
        verify: restic('check --read-data'),
        restore: restic(`restore latest --target ${root}/out-restic`),
        'one file': restic(`dump latest /live/${ONE_FILE} > ${root}/one-restic`),
      },
    },
    {
      name: 'tar, zstd -1',
      needs: ['tar', 'zstd'],
      store: `${root}/tar`,
      before: sh(`mkdir -p ${root}/tar`),
      commands: Object.fromEntries([
        ...(['first', 'unchanged', 'next day'] as const).map((step) => {
          const file = `${root}/tar/${step.replace(' ', '-')}.tar.zst`;
          return [step, sh(`cd ${root} && tar cf - live dump | zstd -1 -T2 -q > ${file} && sync ${file}`)];
        }),
        ['verify', sh(`zstd -dcq ${root}/tar/next-day.tar.zst | tar tf - > /dev/null`)],
        [
          'restore',
          sh(`mkdir ${root}/out-tar && zstd -dcq ${root}/tar/next-day.tar.zst | tar xf - -C ${root}/out-tar`),
        ],
        ['one file', sh(`zstd -dcq ${root}/tar/next-day.tar.zst | tar xOf - live/${ONE_FILE} > ${root}/one-tar`)],
      ]),
    },
    {
      name: 'rclone sync',
      needs: ['rclone'],
      store: `${root}/rclone`,
      commands: Object.fromEntries([
        ...(['first', 'unchanged', 'next day'] as const).map((step) => [
          step,
          sh(
            `cd ${root} && rclone -q sync live rclone/live --transfers 16 --checkers 16 && rclone -q sync dump rclone/dump`,
          ),
        ]),
        [
          'verify',
          sh(
            `cd ${root} && rclone -q check --download live rclone/live && rclone -q check --download dump rclone/dump`,
          ),
        ],
        ['restore', sh(`cd ${root} && rclone -q copy rclone out-rclone --transfers 16 --checkers 16`)],
        ['one file', sh(`cd ${root} && rclone -q copyto rclone/live/${ONE_FILE} one-rclone`)],
      ]),
    },
  ];
  return tools.filter(({ needs }) => needs.every(has));
};

const bytesBelow = (directory: string): number => {
  if (!existsSync(directory)) return 0;
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
};

/** Runs a command under `time`, whose figures cover all of its processes. */
const run = (root: string, tool: Tool, command: string[]): Measure => {
  const figures = join(root, 'time');
  const before = bytesBelow(tool.store);
  const env = {
    ...process.env,
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(root, 'restic-cache'),
    NODE_COMPILE_CACHE: CODE,
  };
  const ran = spawnSync('/usr/bin/time', ['-o', figures, '-f', '%e %U %S %M', ...command], { encoding: 'utf8', env });
  if (ran.status !== 0) throw new Error(`${tool.name}: ${command.join(' ')}\n${ran.stderr}`);
  const [seconds, user, system, memoryKb] = readFileSync(figures, 'utf8').trim().split(' ').map(Number);
  const line = tool.name === 'octo-keeper' ? (JSON.parse(ran.stdout) as { requests: number }) : null;
  return {
    seconds: seconds!,
    cpuSeconds: user! + system!,
    memoryMb: memoryKb! / 1024,
    addedBytes: bytesBelow(tool.store) - before,
    requests: line?.requests ?? null,
  };
};

const measure = (scale: Scale, results: Results): { fileCount: number; sizeBytes: number } => {
  const made = mkdtempSync(join(tmpdir(), `octo-bench-${scale.name}-`));
  try {
    const corpus = makeCorpus(made, scale);
    const size = {
      fileCount: readdirSync(corpus.folders, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length,
      sizeBytes: bytesBelow(corpus.folders) + bytesBelow(join(made, 'dump')),
    };
    const tools = toolsIn(made);
    const each = (step: Step): void => {
      for (const tool of tools) {
        const command = tool.commands[step];
        if (command === undefined) continue;
        const steps = results.get(tool.name) ?? new Map<Step, Measure[]>();
        results.set(tool.name, steps);
        steps.set(step, [...(steps.get(step) ?? []), run(made, tool, command)]);
      }
    };
    for (const tool of tools) if (tool.before !== undefined) run(made, tool, tool.before);
    each('first');
    each('unchanged');
    passDay(corpus, scale, 1);
    each('next day');
    for (const tool of tools) if (tool.between !== undefined) run(made, tool, tool.between);
    each('verify');
    each('restore');
    each('one file');
    assertRestored(made);
    return size;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
};

/** What came back is what was there: a fast tool that loses a file has not won. */
const assertRestored = (made: string): void => {
  const compared = ['Packages', 'Artifacts', 'TaskLogs'].map((name) =>
    spawnSync('diff', ['-r', `${made}/live/${name}`, `${made}/out-octo-keeper/${name}`]),
  );
  compared.push(spawnSync('cmp', [`${made}/dump/OctopusDeploy.bak`, `${made}/out-octo-keeper/database.bak`]));
  compared.push(spawnSync('cmp', [`${made}/live/${ONE_FILE}`, `${made}/one-octo-keeper`]));
  if (compared.some(({ status }) => status !== 0)) throw new Error('what was restored differs from what was there');
};

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const tableOf = (scale: Scale, results: Results, size: { fileCount: number; sizeBytes: number }): string[] => {
  const lines = [
    `## ${scale.name}: ${size.fileCount} files, ${Math.round(size.sizeBytes / 1e6)} MB`,
    '',
    '| step | tool | wall s | wall / restic | CPU s | peak MB | added MB | added / restic | requests |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const step of STEPS) {
    const rival = results.get('restic')?.get(step);
    for (const [name, steps] of results) {
      const measures = steps.get(step);
      if (measures === undefined) continue;
      const of = (key: keyof Measure): number => median(measures.map((each) => each[key] ?? 0));
      const paired = (key: 'seconds' | 'addedBytes'): string =>
        rival === undefined
          ? '-'
          : median(measures.map((each, n) => each[key] / Math.max(rival[n]![key], 1e-9))).toFixed(2);
      const isWrite = step === 'first' || step === 'unchanged' || step === 'next day';
      const added = isWrite ? [(of('addedBytes') / 1e6).toFixed(1), paired('addedBytes')] : ['-', '-'];
      const requests = measures[0]!.requests === null ? '-' : String(of('requests'));
      lines.push(
        `| ${step} | ${name} | ${of('seconds').toFixed(2)} | ${paired('seconds')} | ${of('cpuSeconds').toFixed(2)} | ${of('memoryMb').toFixed(0)} | ${added.join(' | ')} | ${requests} |`,
      );
    }
  }
  return [...lines, ''];
};

const wanted = process.argv.slice(2).map((name) => SCALES[name as keyof typeof SCALES]);
const programs = ['restic', 'tar', 'zstd', 'rclone'];
const report = [
  '# Benchmarks of the archive',
  '',
  `Written by \`node test/bench/archive.ts\`; ${ROUNDS} rounds, medians, ratios paired within a round. ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, store in a directory of the same disk, page cache warm.`,
  `Compared with ${programs.filter(has).map(version).join('; ')}. Not installed, so not compared: ${programs.filter((each) => !has(each)).join(', ') || 'none'}.`,
  '',
  'octo-keeper runs both passes over the folders and stores the dump; restic encrypts, octo-keeper and the others do not. On the unchanged day no dump is made. `tar` has no verification of content; its figure is a full listing.',
  '',
  'Goals, as wall / restic at S and M: first 0.50 and 0.45, unchanged 0.35 and 0.25 with at most 3 requests, next day 0.35 and 0.30 with at most 0.15 of its added bytes, verify 0.65 and 0.75; at most 256 and 320 MB at the peak. Read each row against them: a goal that a row misses is not met.',
  '',
];
for (const scale of wanted.length > 0 ? wanted : [SCALES.S, SCALES.M]) {
  const results: Results = new Map();
  let size = { fileCount: 0, sizeBytes: 0 };
  for (let round = 0; round < ROUNDS; round++) size = measure(scale, results);
  report.push(...tableOf(scale, results, size));
  writeFileSync(REPORT, report.join('\n'));
}
process.stdout.write(report.join('\n'));
