import { defineConfig } from 'vite';

export default defineConfig({
  // The maps are for the symbolicate processor; browsers do not get to see them.
  build: { sourcemap: 'hidden' },
  test: { environment: 'jsdom', restoreMocks: true, unstubGlobals: true },
});
