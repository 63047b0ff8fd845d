/**
 * A proxy between browser and collector that does harm. Nothing is intercepted in the browser: that would switch its
 * preflights off.
 */
import { Agent, createServer, request as forward } from 'node:http';

/** Answers that a page may read, as the collector and good proxies give them. */
const cors = (request) => ({
  'Access-Control-Allow-Origin': request.headers.origin ?? '*',
  'Access-Control-Expose-Headers': 'Retry-After',
});

/** What can go wrong with a POST. Each is done instead of passing it on. */
export const faults = {
  /** An answer of this status. */
  status:
    (status, headers = {}) =>
    ({ request, response }) => {
      response.writeHead(status, { ...cors(request), ...headers, 'Content-Type': 'application/json' });
      response.end('{"error":"test"}');
    },
  /** The connection is reset before the collector has seen anything. */
  resetBefore:
    () =>
    ({ request }) =>
      request.socket.resetAndDestroy(),
  /** The collector has stored the batch, and the connection is reset before the answer. */
  resetAfter:
    () =>
    async ({ request, pass }) => {
      await pass();
      request.socket.resetAndDestroy();
    },
  /** Nothing ever happens. */
  hang: () => () => {},
};

export async function startProxy(target) {
  /** The POSTs that came, with their bodies. */
  const posts = [];
  const preflights = [];
  /** Faults for the next POSTs, in their order. */
  let plan = [];
  let failingPreflights = 0;
  const agent = new Agent({ keepAlive: false });
  const sockets = new Set();

  const pass = (request, body) =>
    new Promise((resolve, reject) => {
      const { method, url, headers } = request;
      const out = forward({ host: '127.0.0.1', port: target, method, path: url, headers, agent }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => resolve({ answer, body: Buffer.concat(chunks) }));
      });
      out.on('error', reject);
      out.end(body);
    });

  const server = createServer((request, response) => {
    const chunks = [];
    request.on('error', () => {});
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      if (request.method === 'OPTIONS') {
        preflights.push(request.headers);
        if (failingPreflights > 0) {
          failingPreflights--;
          response.writeHead(503);
          response.end();
          return;
        }
      } else {
        posts.push({ headers: request.headers, body: JSON.parse(body.toString()) });
        const fault = plan.shift();
        if (fault) {
          await fault({ request, response, pass: () => pass(request, body) });
          return;
        }
      }
      try {
        const { answer, body: answerBody } = await pass(request, body);
        response.writeHead(answer.statusCode, answer.headers);
        response.end(answerBody);
      } catch {
        request.socket.destroy();
      }
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });

  const listen = (port) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = server.address();

  return {
    endpoint: `http://127.0.0.1:${port}/telemetry/ingest`,
    posts,
    preflights,
    /** Does these to the next POSTs. */
    fail(...next) {
      plan = next;
    },
    failPreflights(count) {
      failingPreflights = count;
    },
    /** Refuses connections. */
    down: close,
    up: () => listen(port),
    stop: close,
  };
}
