/**
 * Builds each cloud function into a folder of its own under `dist/functions`.
 *
 * The Slack door is one lean file of CommonJS, which starts fastest: Bolt brings receivers that a Lambda function never uses, and
 * with them a web server and a WebSocket client. They are left out, and a test sends signed requests to the built door to show
 * that nothing of them is missed. The other functions load what they need when they need it, from files beside them.
 * @see https://esbuild.github.io/api/
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

export const FUNCTIONS = ['slack', 'commands', 'step', 'events', 'watcher', 'verifier'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

const ROOT = join(import.meta.dirname, '..');

const COMMON: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  legalComments: 'none',
  metafile: true,
};

/** Everything of Bolt that only other receivers than Lambda's need. */
const UNUSED =
  /^@slack\/oauth$|^\.{1,2}\/.*\b(ExpressReceiver|HTTPReceiver|SocketModeReceiver|HTTPModuleFunctions|HTTPResponseAck|SocketModeFunctions|custom-routes)$/;

const withoutUnused: Plugin = {
  name: 'without-unused',
  setup: (plugin) =>
    plugin.onResolve({ filter: UNUSED }, ({ importer }) =>
      /[\\/]@slack[\\/]bolt[\\/]/.test(importer) ? { path: join(ROOT, 'infra', 'unused.cjs') } : undefined,
    ),
};

const DOOR: BuildOptions = { ...COMMON, format: 'cjs', outExtension: { '.js': '.cjs' }, plugins: [withoutUnused] };

const OTHERS: BuildOptions = {
  ...COMMON,
  format: 'esm',
  splitting: true,
  chunkNames: '[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  // CommonJS inside an ES module needs a `require`, under a name that the minifier does not choose.
  banner: {
    js: "import { createRequire as octoCreateRequire } from 'node:module'; const require = octoCreateRequire(import.meta.url);",
  },
};

/** Path and size of every file of a function; the handler's own is the first. */
export type Bundle = { path: string; bytes: number }[];

/** Builds a function into `directory/<name>`; its main file exports `handler`. */
export const bundle = async (name: FunctionName, directory: string): Promise<Bundle> => {
  const outdir = join(directory, name);
  await rm(outdir, { recursive: true, force: true });
  const options = name === 'slack' ? DOOR : OTHERS;
  const entryPoints = [join(ROOT, 'handlers', `${name}.ts`)];
  const { metafile } = await build({ ...options, entryPoints, outdir, absWorkingDir: ROOT });
  return Object.entries(metafile?.outputs ?? {})
    .map(([path, { bytes, entryPoint }]) => ({
      path: join(ROOT, path),
      bytes,
      isMain: entryPoint === `handlers/${name}.ts`,
    }))
    .toSorted((a, b) => Number(b.isMain) - Number(a.isMain))
    .map(({ path, bytes }) => ({ path, bytes }));
};

if (import.meta.main)
  for (const name of FUNCTIONS) {
    const files = await bundle(name, join(ROOT, 'dist', 'functions'));
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    process.stdout.write(`${name}: ${files.length} file(s), ${Math.ceil(bytes / 1024)} KiB\n`);
  }
