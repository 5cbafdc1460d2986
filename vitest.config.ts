import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most tests wait for processes and disks, not for the processor.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // No module is mocked and the clock is injected, so that files may share what they import, and Node runs the
    // sources as the product does. Both halve the processor's time.
    isolate: false,
    experimental: { viteModuleRunner: false },
    // The processes that tests start load their code compiled.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node', import.meta.url)) },
  },
});
