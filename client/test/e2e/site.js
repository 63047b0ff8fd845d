/**
 * The pages, on another origin than the endpoint.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The page takes the options of the client from its query, and waits for the test with `window.telemetry`. */
const PAGE = `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<title>Test page</title>
<link rel="icon" href="data:,">
<script type="importmap">
{"imports": {
  "web-vitals": "/node_modules/web-vitals/dist/web-vitals.js",
  "web-vitals/attribution": "/node_modules/web-vitals/dist/web-vitals.attribution.js"
}}
</script>
</head>
<body>
<h1 style="font-size: 60px">A heading that is the largest thing to be painted on this page</h1>
<button onclick="work()">Work</button>
<p id="shifted">This text is moved down.</p>
<script>
function work() {
  const end = performance.now() + 120;
  while (performance.now() < end);
  document.querySelector('button').insertAdjacentHTML('afterend', '<div style="height: 200px"></div>');
}
</script>
<script type="module">
import { createTelemetry } from '/src/index.js';
const { parts = [], ...options } = JSON.parse(new URL(location.href).searchParams.get('options') ?? '{}');
const factories = {
  console: async () => (await import('/src/console.js')).consoleLogs(),
  errors: async () => (await import('/src/errors.js')).errors(),
  fetch: async () => (await import('/src/fetch.js')).fetchSpans({ tracePropagationTargets: [options.other] }),
  frames: async () => (await import('/src/frames.js')).longFrames({ minBlocking: 30 }),
  pages: async () => (await import('/src/pages.js')).pageViews(),
  persist: async () => (await import('/src/persist.js')).persist(),
  vitals: async () => (await import('/src/vitals.js')).vitals(),
  attribution: async () => (await import('/src/vitals-attribution.js')).vitals(),
};
const made = await Promise.all(parts.map((name) => factories[name]()));
window.telemetry = createTelemetry({ ...options, parts: made });
</script>
</body>
</html>`;

export async function startSite() {
  const requests = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    requests.push({ path: pathname, headers: request.headers });
    if (pathname === '/favicon.ico' || pathname.startsWith('/api/')) {
      response.writeHead(pathname.includes('missing') ? 404 : 200, { 'Access-Control-Allow-Origin': '*' });
      response.end('{}');
    } else if (pathname.endsWith('.js')) {
      const file = await readFile(join(ROOT, normalize(pathname))).catch(() => null);
      response.writeHead(file ? 200 : 404, { 'Content-Type': 'text/javascript' });
      response.end(file ?? '');
    } else {
      response.writeHead(200, { 'Content-Type': 'text/html' });
      response.end(pathname === '/empty' ? '<title>empty</title>' : PAGE);
    }
  });
  await new Promise((resolve) => server.listen(0, resolve));
  const origin = `http://localhost:${server.address().port}`;
  return {
    origin,
    requests,
    url: (options = {}, path = '/') => `${origin}${path}?options=${encodeURIComponent(JSON.stringify(options))}`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
