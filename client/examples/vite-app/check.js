/**
 * Builds, tests and checks the app twice: as it is, and with the drop-in file in place of `src/utils/telemetry.js`,
 * under a rule that lets that file import nothing but the flags.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const copy = `${mkdtempSync(join(tmpdir(), 'vite-app-'))}/`;

const check = (cwd) => {
  for (const command of ['vite build', 'vitest run', 'depcruise src', 'knip']) {
    console.log(`> ${command}`);
    execFileSync('npx', ['--no', ...command.split(' ')], { cwd, stdio: 'inherit' });
  }
};

check(here);
cpSync(here, copy, { recursive: true, filter: (path) => !/node_modules|dist$|check\.js$/.test(path) });
symlinkSync(`${here}node_modules`, `${copy}node_modules`);
cpSync(`${here}../../drop-in/telemetry.js`, `${copy}src/utils/telemetry.js`);
const manifest = JSON.parse(readFileSync(`${copy}package.json`, 'utf8'));
delete manifest.dependencies['@saberloop/telemetry'];
delete manifest.scripts.check;
writeFileSync(`${copy}package.json`, JSON.stringify(manifest));
const rules = readFileSync(`${copy}.dependency-cruiser.cjs`, 'utf8');
writeFileSync(`${copy}.dependency-cruiser.cjs`, rules.replace(", 'telemetry/compat$', 'src/compat[.]js$'", ''));
check(copy);
rmSync(copy, { recursive: true });
