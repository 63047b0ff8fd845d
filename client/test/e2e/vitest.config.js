import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    // One browser and one collector at a time.
    fileParallelism: false,
    testTimeout: 120000,
    hookTimeout: 60000,
  },
});
