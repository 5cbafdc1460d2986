import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const MEMORY_FOLDER = '/dev/shm';
const MEMORY_BYTES = 4 * 1024 ** 3;

/** Temporary files in memory, where there is room: half of a test of stores is waiting for a disk. */
const hasMemoryFolder = (): boolean => {
  if (!existsSync(MEMORY_FOLDER)) return false;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return bavail * bsize >= MEMORY_BYTES;
};

/** A folder of this run's own, gone with it, whatever a test that was stopped has left in it. */
const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(hasMemoryFolder() ? MEMORY_FOLDER : tmpdir(), 'octo-test-'));
  // Some tests work as another user.
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const isLong = ({ moduleId }: TestSpecification): boolean =>
  /[\\/]test[\\/](?:journeys|handlers|steps)[\\/]/.test(moduleId);

/** Long files first, also on a first run, when nobody knows yet how long each takes: none is left over for a lone end. */
class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most tests wait for processes and disks, not for the processor.
    maxWorkers: 3,
    sequence: { sequencer: LongFilesFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // No module is mocked and the clock is injected, so that files may share what they import, and Node runs the
    // sources as the product does. Both halve the processor's time.
    isolate: false,
    experimental: { viteModuleRunner: false },
    // The processes that tests start load their code compiled.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node', import.meta.url)),
      TMPDIR: temporaryFolder(),
    },
  },
});
