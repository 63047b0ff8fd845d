/**
 * The example app, built by Vite, with the package and with the drop-in file.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from './browser.js';
import { startCollector, TOKEN } from './collector.js';

const APP = fileURLToPath(new URL('../../examples/vite-app', import.meta.url));
const DROP_IN = fileURLToPath(new URL('../../drop-in/telemetry.js', import.meta.url));

let browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.stop());

/** Builds a copy of the app, and serves it. */
async function serve(prepare, endpoint) {
  const folder = await mkdtemp(join(tmpdir(), 'vite-app-'));
  await cp(APP, folder, { recursive: true, filter: (path) => !/node_modules|dist$|\.env$/.test(path) });
  await symlink(join(APP, 'node_modules'), join(folder, 'node_modules'));
  await prepare(folder);
  execFileSync('npx', ['--no', 'vite', 'build', '--logLevel', 'error'], {
    cwd: folder,
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_ENV: 'production',
      VITE_TELEMETRY_ENABLED: 'true',
      VITE_TELEMETRY_ENDPOINT: endpoint,
      VITE_TELEMETRY_TOKEN: TOKEN,
    },
  });
  const server = createServer(async ({ url }, response) => {
    const file = await readFile(join(folder, 'dist', url === '/' ? 'index.html' : url)).catch(() => null);
    response.writeHead(file ? 200 : 404, { 'Content-Type': url.endsWith('.js') ? 'text/javascript' : 'text/html' });
    response.end(file ?? '');
  });
  await new Promise((resolve) => server.listen(0, resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

it.each([
  ['the package', () => {}],
  ['the drop-in', (folder) => cp(DROP_IN, join(folder, 'src/utils/telemetry.js'))],
])('%s sends what the hooks record', async (_, prepare) => {
  const collector = await startCollector();
  const app = await serve(prepare, `http://127.0.0.1:${collector.port}/telemetry/ingest.php`);
  const page = await browser.context.newPage();
  await page.goto(app.url);
  await page.click('#start');
  await page.click('#fail');
  await page.close();

  await expect.poll(() => collector.lines(), { timeout: 20000 }).toHaveLength(2);
  const [started, failed] = await collector.lines();
  expect(started).toMatchObject({ level: 'info', message: 'Quiz started', context: { topic: 'Math' } });
  expect(failed).toMatchObject({
    level: 'error',
    message: 'Uncaught TypeError: The quiz failed',
    context: { source: 'error', error: { stack: expect.stringMatching(/\/assets\/index-[\w-]+\.js:\d+:\d+/) } },
  });
  await expect.poll(() => collector.lines('traces')).toMatchObject([{ name: 'quiz.start' }]);
  const vitals = async () => (await collector.lines('metrics')).map(({ name }) => name);
  await expect.poll(vitals).toEqual(expect.arrayContaining(['web_vital_lcp', 'web_vital_cls']));
  await app.stop();
  await collector.stop();
});
