import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const features = fileURLToPath(new URL('features.js', import.meta.url));

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    environment: 'jsdom',
    restoreMocks: true,
    unstubGlobals: true,
    unstubEnvs: true,
  },
  plugins: [
    {
      // The file that an app has beside the drop-in.
      name: 'features',
      resolveId: (id) => (id.endsWith('core/features.js') ? features : undefined),
    },
  ],
});
