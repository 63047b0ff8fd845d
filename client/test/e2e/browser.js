import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { vi } from 'vitest';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts a browser with a profile of its own, as a person would start it: nothing of what makes tests easy is switched
 * on, so that pages get hidden, and come back from the back/forward cache.
 */
export async function startBrowser(profile) {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: install the package chromium`);
  const folder = profile ?? (await mkdtemp(join(tmpdir(), 'saberloop-browser-')));
  await rm(join(folder, 'DevToolsActivePort'), { force: true });
  const child = spawn(CHROMIUM, [...ARGS, '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'], {
    stdio: 'ignore',
    detached: true,
  });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  const port = await vi.waitUntil(
    async () => (await readFile(join(folder, 'DevToolsActivePort'), 'utf8').catch(() => '')).split('\n')[0],
    { timeout: 30000 },
  );
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
  const kill = async () => {
    // The browser and all of its processes, at once.
    process.kill(-child.pid, 'SIGKILL');
    await exited;
  };
  return {
    folder,
    context: browser.contexts()[0],
    kill,
    async stop() {
      await browser.close().catch(() => {});
      await kill().catch(() => {});
      // Its last processes may still be writing.
      await rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    },
  };
}
