// @vitest-environment node
import { afterEach, expect, it, vi } from 'vitest';
import { stubFetch } from './helpers.js';

afterEach(() => vi.resetModules());

it.each([
  'index',
  'compat',
  'console',
  'errors',
  'fetch',
  'frames',
  'pages',
  'persist',
  'react',
  'vitals',
  'vitals-attribution',
])('imports %s without a window', async (name) => {
  expect(typeof window).toBe('undefined');
  await import(`../../src/${name}.js`);
});

it('works without a window', async () => {
  const requests = stubFetch();
  const { createTelemetry } = await import('../../src/index.js');
  const { errors } = await import('../../src/errors.js');
  const { persist } = await import('../../src/persist.js');
  const { vitals } = await import('../../src/vitals.js');
  const telemetry = createTelemetry({ endpoint: 'http://localhost/', parts: [errors(), persist(), vitals()] });
  telemetry.log('info', 'server side');
  await telemetry.stop();
  expect(requests[0].body.logs[0].message).toBe('server side');
});

it('imports the drop-in where there is no import.meta.env', async () => {
  const { telemetry } = await import('../../drop-in/telemetry.js');
  vi.stubEnv('VITE_TELEMETRY_ENABLED', '');
  expect(telemetry.isEnabled()).toBe(false);
});
