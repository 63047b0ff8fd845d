/**
 * Writes `drop-in/telemetry.js`: the client in one file that imports only the app's own feature flags.
 * With `--check` it fails if the file is not what it would write.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';

const file = fileURLToPath(new URL('../drop-in/telemetry.js', import.meta.url));
const { version, license } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));

const HEADER = `/**
 * Telemetry client for otelcol-saberloop, version ${version}. Licensed under ${license}.
 *
 *   telemetry.log('info', 'Quiz started', { topic: 'Math' });
 *   telemetry.metric('web_vital_lcp', 1250, { rating: 'good' });
 *   telemetry.trace('api.generateQuestions', 2450, { model: 'claude' });
 *
 * It is on while the feature flag TELEMETRY is, and VITE_TELEMETRY_ENABLED is "true".
 * VITE_TELEMETRY_ENDPOINT and VITE_TELEMETRY_TOKEN say where to send to.
 *
 * Made from the package @saberloop/telemetry. Do not edit it: replace it by that of a newer version.
 */
`;

/** Types live in the package, not in this file. */
const withoutTypes = (code) =>
  code
    // Comments of one line that hold nothing but types.
    .replace(/^[ \t]*\/\*\* @(?:typedef|param|type)[^\n]*\*\/\n/gm, '')
    .replace(/ @type \{[^\n]*?\} \*\//g, ' */')
    .replace(/\/\*\* \*\/ ?\(((?:[^()]|\([^()]*\))*)\)/g, '$1')
    // Longer ones keep what they say.
    .replace(/^[ \t]*\/\*\*\n(?:[ \t]*\* ?[^\n]*\n)*?[ \t]*\*\/\n/gm, (comment) => {
      const indent = /^[ \t]*/.exec(comment)[0];
      const lines = comment
        .split('\n')
        .slice(1, -2)
        .map((line) => line.trim().replace(/^\* ?/, ''));
      if (comment.includes('@typedef')) return '';
      const end = lines.findIndex((line) => line.startsWith('@'));
      const text = (end < 0 ? lines : lines.slice(0, end)).join('\n').trim();
      return text ? `${indent}/**\n${text.replace(/^/gm, `${indent} * `).replace(/ +$/gm, '')}\n${indent} */\n` : '';
    });

const bundle = await rollup({
  input: fileURLToPath(new URL('../drop-in/source.js', import.meta.url)),
  external: (id) => id.endsWith('core/features.js'),
  makeAbsoluteExternalsRelative: false,
});
const { output } = await bundle.generate({ format: 'es', generatedCode: 'es2015' });
const code = HEADER + withoutTypes(output[0].code);

if (process.argv.includes('--check')) {
  if ((await readFile(file, 'utf8').catch(() => '')) !== code) {
    console.error('drop-in/telemetry.js is out of date: run `npm run build`');
    process.exitCode = 1;
  }
} else {
  await writeFile(file, code);
}
