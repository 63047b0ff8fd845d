// @vitest-environment node
/**
 * The package as apps get it: what it weighs, and what is in it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { name, exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const entries = Object.keys(exports).filter((path) => path !== './package.json');
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** Bytes of what an app gets that imports these, minified and compressed. */
async function sizeOf(paths) {
  const contents = paths
    .map((path, n) =>
      path === '.' ? `export * from '${name}';` : `export * as part${n} from '${name}${path.slice(1)}';`,
    )
    .join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    external: ['web-vitals', 'web-vitals/attribution'],
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

describe('minified and compressed', () => {
  it.each([
    ['the core', 3072, ['.']],
    ['the core with errors', 3900, ['.', './errors']],
    ['everything but web-vitals', 6144, entries],
  ])('%s is at most %d bytes', async (_, limit, paths) => {
    expect(await sizeOf(paths)).toBeLessThanOrEqual(limit);
  });
});

it('has the drop-in in step with its sources', () => {
  execFileSync('node', ['scripts/build-drop-in.js', '--check'], { cwd: ROOT });
});

it('imports only the flags of the app in the drop-in', () => {
  const code = readFileSync(new URL('../../drop-in/telemetry.js', import.meta.url), 'utf8');
  expect(code.match(/^import .*$/gm)).toEqual(["import { isFeatureEnabled } from '../core/features.js';"]);
  expect(code.match(/^export .*$/gm)).toEqual(['export { telemetry };']);
  expect(code).not.toContain('import(');
});

describe('the README', () => {
  it('names every option, with its default', () => {
    const types = readFileSync(new URL('../../src/types.js', import.meta.url), 'utf8');
    const options = types.slice(
      types.indexOf('@typedef {object} Options'),
      types.indexOf('@typedef {object} Telemetry'),
    );
    const names = [...options.matchAll(/@property \{.*\} \[?(\w+)\]?/g)].map(([, option]) => option);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((option) => !README.includes(`| \`${option}\` |`))).toEqual([]);
  });

  it('names every entry point', () => {
    expect(entries.slice(1).filter((path) => !README.includes(`\`${name}${path.slice(1)}\``))).toEqual([]);
  });
});
