import { cleanUrl, matches } from './copy.js';
import { randomHex, read } from './sender.js';

/** The client's core, for spans that are made by hand. @type {WeakMap<object, import('./types.js').Core>} */
const cores = new WeakMap();

/**
 * Starts a span. It is recorded when it ends.
 *
 * @param {import('./types.js').Telemetry} telemetry a client with the part `fetchSpans`
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 */
export function startSpan(telemetry, name, attributes) {
  const start = performance.now();
  const traceId = randomHex(32);
  const spanId = randomHex(16);
  let isOpen = true;
  return {
    traceId,
    spanId,
    /** The value of the header that makes a server's span a child of this one. */
    traceparent: `00-${traceId}-${spanId}-01`,
    /** @param {Record<string, unknown>} [more] further attributes */
    end(more) {
      if (isOpen) {
        const duration = performance.now() - start;
        cores
          .get(telemetry)
          ?.add('traces', { traceId, spanId, name, duration, attributes: { ...attributes, ...more } }, 'attributes');
      }
      isOpen = false;
    },
  };
}

/**
 * Records a span of every `fetch`, and sends its id along in the header `traceparent`: to the page's own origin, and
 * to what `tracePropagationTargets` names.
 *
 * @param {object} [options]
 * @param {(string | RegExp)[]} [options.tracePropagationTargets] What URLs contain or match. Servers of other
 *   origins have to allow the header.
 * @returns {import('./types.js').Part}
 */
export const fetchSpans =
  ({ tracePropagationTargets = [] } = {}) =>
  (telemetry, core) => {
    cores.set(telemetry, core);
    const original = globalThis.fetch;

    /** @param {Parameters<typeof fetch>} args */
    const prepare = ([input, init]) => {
      const request = input instanceof Request ? input : undefined;
      const url = new URL(request?.url ?? String(input), document.baseURI);
      if (url.href === new URL(read(core.options.endpoint) ?? '', document.baseURI).href) return;
      const method = (init?.method ?? request?.method ?? 'GET').toUpperCase();
      const span = startSpan(telemetry, `HTTP ${method}`, {
        'http.request.method': method,
        'url.full': cleanUrl(url.href),
      });
      const headers = new Headers(init?.headers ?? request?.headers);
      const isTarget = url.origin === location.origin || matches(url.href, tracePropagationTargets);
      if (isTarget && !headers.has('traceparent')) {
        headers.set('traceparent', span.traceparent);
        init = { ...init, headers };
      }
      return { span, init };
    };

    /** @type {typeof fetch} */
    const replacement = async (...args) => {
      let prepared;
      try {
        prepared = prepare(args);
      } catch {}
      if (!prepared) return original(...args);
      const { span, init } = prepared;
      try {
        const response = await original(args[0], init);
        span.end({ 'http.response.status_code': response.status, ...(response.status > 399 && { error: true }) });
        return response;
      } catch (error) {
        span.end({ error: true, 'error.type': /** @type {any} */ (error)?.name });
        throw error;
      }
    };
    globalThis.fetch = replacement;
    return () => {
      if (globalThis.fetch === replacement) globalThis.fetch = original;
    };
  };
