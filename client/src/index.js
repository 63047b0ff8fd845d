import { cleanUrl, createCopy, matches } from './copy.js';
import { createSender, randomHex, read } from './sender.js';

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];
/** How many entries a session that is not kept holds for its first error. */
const MAX_HELD = 50;

/** @typedef {import('./types.js').Entry} Entry */
/** @typedef {import('./types.js').Options} Options */
/** @typedef {import('./types.js').Signal} Signal */
/** @typedef {import('./types.js').Telemetry} Telemetry */

/**
 * Telemetry never breaks the app: what throws in here ends here.
 *
 * @param {any} method
 */
const safely =
  (method) =>
  /** @param {any[]} args */
  (...args) => {
    try {
      return method(...args);
    } catch {}
  };

/**
 * Makes a telemetry client. None of its methods throws, whatever they are given.
 *
 * @param {Options} [options]
 * @returns {Telemetry}
 */
export function createTelemetry(options) {
  options ??= {};
  const { minLevel, ignoreErrors = [], beforeSend, sampleRate = 1, sessionIdle = 1800000, parts = [] } = options;
  const copy = createCopy(options.redact);

  let hasConsent = options.consent !== false;
  /** Is added to all logs and spans. @type {Record<string, any>} */
  let common = {};

  let sessionId = '';
  let lastEntry = 0;
  let isKept = true;
  /** What a session that is not kept holds. @type {[Signal, Entry][]} */
  let held = [];

  const isEnabled = () => {
    try {
      if (hasConsent && `${read(options.enabled ?? true)}` === 'true') return true;
    } catch {}
    // Nothing is kept, either.
    held = [];
    sender.clear();
    return false;
  };
  const sender = createSender(options, isEnabled, copy);
  const { flush, getBuffer, stats } = sender;

  const getSessionId = () => {
    const now = Date.now();
    if (now - lastEntry > sessionIdle) {
      sessionId = `${now}-${randomHex(9)}`;
      isKept = Math.random() < sampleRate;
      held = [];
    }
    lastEntry = now;
    return sessionId;
  };

  /**
   * @param {Signal} signal
   * @param {object} members
   * @param {string} field the member that takes the common context
   * @param {boolean} [isError]
   */
  const add = (signal, members, field, isError = false) => {
    if (!isEnabled()) return;
    /** @type {Entry} */
    let entry = copy({ timestamp: new Date().toISOString(), sessionId: getSessionId(), ...members });
    const own = entry[field];
    if (own instanceof Object && !Array.isArray(own)) {
      const error = entry.message?.stack && entry.message;
      if (error) entry.message = `${error.name}: ${error.message}`;
      entry[field] = { ...common, ...(error && { error }), ...own };
    }
    if (isError && matches(`${entry.message}`, ignoreErrors)) return;
    if (beforeSend) entry = copy(safely(beforeSend)(entry, signal));
    if (!(entry instanceof Object)) return;

    held.push([signal, entry]);
    isKept ||= isError;
    if (isKept) for (const one of held.splice(0)) sender.add(...one);
    else if (held.length > MAX_HELD) held.shift();
  };

  /** @type {Telemetry} */
  const telemetry = {
    log(level, message, context = {}) {
      const rank = LEVELS.indexOf(level);
      const isError = rank > 2;
      if (rank < LEVELS.indexOf(/** @type {string} */ (minLevel))) return;
      const url = cleanUrl(globalThis.location?.href);
      const userAgent = globalThis.navigator?.userAgent;
      add('logs', { level, url, userAgent, message, context }, 'context', isError);
    },
    metric(name, value, labels = {}) {
      add('metrics', { name, value, labels }, '');
    },
    trace(name, duration, attributes = {}) {
      add('traces', { traceId: randomHex(32), spanId: randomHex(16), name, duration, attributes }, 'attributes');
    },
    flush,
    isEnabled,
    getBuffer,
    getSessionId,
    stats,
    setContext(fields) {
      common = { ...common, ...copy(fields) };
    },
    setUser(user) {
      telemetry.setContext({ user: user ?? undefined });
    },
    setConsent(granted) {
      hasConsent = granted === true;
      isEnabled();
    },
    async stop() {
      for (const end of ends) safely(end)();
      await flush();
      hasConsent = false;
      sender.stop();
    },
  };
  for (const [name, method] of Object.entries(telemetry)) {
    /** @type {any} */ (telemetry)[name] = safely(method);
  }

  const core = { ...sender, options, add: safely(add) };
  const ends = parts.map((part) => safely(part)(telemetry, core));
  return telemetry;
}
