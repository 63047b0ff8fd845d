/**
 * The real collector, built from this repository.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = fileURLToPath(new URL('../../../_build/otelcol-saberloop', import.meta.url));

export const TOKEN = 'test-token';

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const config = (port, directory) => `
service:
  pipelines:
    logs: {receivers: [saberloop], exporters: [daily_jsonl]}
    traces: {receivers: [saberloop], exporters: [daily_jsonl]}
    metrics: {receivers: [saberloop], exporters: [daily_jsonl]}
  telemetry:
    metrics: {level: none}
receivers:
  saberloop:
    endpoint: 127.0.0.1:${port}
    tokens: [${TOKEN}]
    cors:
      allowed_origins: ['http://localhost:*']
exporters:
  daily_jsonl:
    directory: ${JSON.stringify(directory)}
`;

/** Starts a collector in a folder of its own. */
export async function startCollector() {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run \`make build\``);
  const home = await mkdtemp(join(tmpdir(), 'saberloop-client-'));
  const directory = join(home, 'data');
  const port = await freePort();
  await writeFile(join(home, 'config.yaml'), config(port, directory));

  const child = spawn(BINARY, ['--config', join(home, 'config.yaml')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const exited = new Promise((resolve) => child.on('exit', resolve));
  await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      log += text;
      if (log.includes('Everything is ready')) resolve();
    });
    exited.then(() => reject(new Error(`The collector ended:\n${log}`)));
  });

  const lines = async (signal = 'logs') => {
    const folder = join(directory, signal);
    const names = await readdir(folder).catch(() => []);
    const texts = await Promise.all(names.sort().map((name) => readFile(join(folder, name), 'utf8')));
    return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line));
  };
  return {
    port,
    lines,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      await rm(home, { recursive: true });
    },
  };
}
