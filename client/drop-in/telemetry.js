/**
 * Telemetry client for otelcol-saberloop, version 0.1.0. Licensed under Apache-2.0.
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
import { isFeatureEnabled } from '../core/features.js';

const REDACTED = '[REDACTED]';

/** The characters that an entry may have, and the levels. */
const MAX_LENGTH = 250000;
const MAX_DEPTH = 20;

const SECRET_NAMES = /passw|secret|token$|authorization|cookie|api.?key|credential/i;
/** Bearer tokens, JSON Web Tokens, parameters in URLs. */
const SECRET_TEXTS = /\bbearer\s+\S+|\beyJ[\w.-]+|[?&#]\w*(passw|secret|token|api.?key|code)\w*=[^&\s]*/gi;

/**
 * Says whether a text contains or matches one of the patterns.
 */
const matches = (text, patterns) => patterns.some((pattern) => text.split(pattern).length > 1);

/**
 * Removes from a URL what may hold secrets: the query, and the fragment unless it is a route (`#/…`).
 */
const cleanUrl = (href = '') => href.replace(/\?[^#]*|#(?!!?\/).*/g, '');

/**
 * Makes a function that copies any value to plain data that `JSON.stringify` can't fail on, with secrets replaced.
 * Circular references, throwing getters and objects of the browser become short texts; an `Error`, `Map` or `Set`
 * becomes an object or array of what it holds.
 */
function createCopy(redact = {}) {
  const names = redact ? [SECRET_NAMES, ...(redact.names ?? [])] : [];
  const texts = redact ? [SECRET_TEXTS, ...(redact.texts ?? [])] : [];

  let budget = 0;

  const copy = (value, length = MAX_LENGTH, parents = []) => {
    const type = typeof value;
    budget = (parents[0] ? budget : length) - 8;
    if (budget < 0 || parents.length > MAX_DEPTH) return '…';
    if (type === 'string') {
      for (const pattern of texts) value = value.replace(pattern, REDACTED);
      if (value.length > budget) value = `${value.slice(0, budget)}…`;
      budget -= value.length;
      return value;
    }
    if (value == null || type === 'boolean' || Number.isFinite(value)) return value;
    if (type === 'function') return undefined;
    // A bigint, a symbol, NaN.
    if (type !== 'object') return String(value);
    if (parents.includes(value)) return '[Circular]';
    parents = [...parents, value];

    if (value instanceof Error) {
      const { name, message, stack, cause, errors } = value;
      value = { name, message, stack, cause, errors, ...value };
    } else if (value instanceof Map) {
      value = Object.fromEntries(value);
    } else if (value instanceof Set) {
      value = [...value];
    } else if (value.toJSON) {
      return copy(value.toJSON(), 0, parents);
    }
    // Objects of the browser: window, elements, events, buffers.
    const tag = {}.toString.call(value);
    if (!/ (Object|Array)]/.test(tag)) return tag;
    const members = Array.isArray(value) ? [] : {};
    for (const name of Object.keys(value)) {
      if (budget < 0) break;
      budget -= name.length;
      try {
        members[name] = matches(name, names) ? REDACTED : copy(value[name], 0, parents);
      } catch {
        members[name] = '[Unreadable]';
      }
    }
    return members;
  };
  return copy;
}

/** The browser lets the keepalive bodies in flight have 64 KiB together; the rest is left to the page. */
const MAX_KEEPALIVE_BYTES = 64000;
/** So that two batches in flight, with what stands around their entries, fit in there. */
const MAX_BATCH_BYTES = 30000;
/** The characters that an entry is cut to which fits in no other way. */
const CUT_LENGTH = 16000;

/** Requests at a time, so that one that hangs does not hold up the others. */
const SLOTS = 2;
/** While hidden each entry may go alone. Chromium refuses more than 10 keepalive requests of a page at a time. */
const HIDDEN_SLOTS = 8;

const MAX_ATTEMPTS = 10;
const MAX_WAIT = 300000;

const PAGE_EVENTS = ['visibilitychange', 'pagehide', 'pageshow', 'online'];


const randomHex = (digits) => 'x'.repeat(digits).replace(/x/g, () => ((Math.random() * 16) | 0).toString(16));

/**
 * A setting may be a function that returns it.
 */
const read = (setting) => (typeof setting === 'function' ? setting() : setting);

/**
 * The most bytes that a text can have in UTF-8.
 */
const byteLength = (text) => text.replace(/[^\0-\x7f]/g, '...').length;

/**
 * Puts entries under the names of their signals.
 */
const bySignal = (items) => {
  const signals = { logs: [], traces: [], metrics: [] };
  for (const { signal, entry } of items) signals[signal].push(entry);
  return signals;
};

/**
 * Makes the queue of entries. It groups them into batches, sends these, and tries again where that can help. An entry
 * leaves the queue when the collector took it, or is counted as dropped.
 */
function createSender(options, isEnabled, copy) {
  const {
    batchSize = 10,
    flushInterval = 30000,
    maxQueueBytes = 4000000,
    timeout = 10000,
    release,
    environment,
  } = options;
  const resource = { 'service.version': release, 'deployment.environment.name': environment };

  /** Entries that are in no batch yet. */
  let pending = [];
  let pendingBytes = 0;
  /** Batches to send before what is pending, most of them again. */
  let queue = [];
  const inFlight = new Set();
  /** What the requests in flight have of the browser's cap. */
  let keepaliveBytes = 0;
  /** Losses that no batch has reported yet. */
  let unreported = [];
  /** How many entries were lost for each reason. */
  const dropped = {};
  let sent = 0;
  let failures = 0;
  /** Whether all that is pending shall go. */
  let due = false;
  /** Whether the page is being left: what is not sent in this very call may never be. */
  let leaving = false;
  let flushTimer;
  /** Waits for the time of the next try. */
  let retryTimer;
  /** Is told of all that is queued. */
  const store = {};

  const isHidden = () => leaving || globalThis.document?.visibilityState === 'hidden';

  const drop = (signal, reason, count = 1) => {
    dropped[reason] = (dropped[reason] ?? 0) + count;
    const row = unreported.find((other) => other.signal === signal && other.reason === reason);
    if (row) row.count += count;
    else unreported.push({ signal, reason, count });
  };

  /**
   * Ends the wait of entries that were sent, or are dropped for a reason.
   */
  const forget = (items, reason) => {
    if (reason) for (const { signal } of items) drop(signal, reason);
    store.remove?.(items);
  };

  const takeOldest = () => {
    const item = pending.shift();
    pendingBytes -= item.bytes;
    return item;
  };

  const nextBatch = () => {
    if (!due) return;
    const items = [];
    let bytes = pending[0]?.bytes;
    while (pending[0] && (bytes < MAX_BATCH_BYTES || !items[0])) {
      items.push(takeOldest());
      bytes += pending[0]?.bytes;
    }
    due = !!pending[0];
    if (items[0]) return toBatch(items);
  };

  const toBatch = (items, id = randomHex(32)) => {
    let attempts = 0;
    let isCut = false;

    const batch = (url) => {
      // While hidden only keepalive requests are certain to arrive. No batch of several is this large.
      isCut ||= isHidden() && items[0].bytes > 2 * MAX_BATCH_BYTES;
      if (isCut) for (const item of items) item.entry = copy(item.entry, CUT_LENGTH);
      const losses = unreported.splice(0);
      const body = JSON.stringify({
        ...bySignal(items),
        batchId: id,
        sentAt: new Date().toISOString(),
        resource,
        dropped: losses[0] && losses,
      });
      const bytes = byteLength(body);
      const keepalive = keepaliveBytes + bytes < MAX_KEEPALIVE_BYTES;
      if (isHidden() && !keepalive) {
        unreported = losses;
        queue.unshift(batch);
        return false;
      }

      if (keepalive) keepaliveBytes += bytes;
      const run = async () => {
        let response;
        try {
          const written = store.group?.(id, items);
          // A batch that is sent again after a crash has to have the same id.
          if (written) await written;
          response = await fetch(url, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-Telemetry-Token': read(options.token) },
            body,
            keepalive,
            signal: AbortSignal.timeout?.(timeout),
          });
          // The bytes count against the browser's cap until the answer was read.
          await response.text?.();
        } catch {
          // If fetch itself threw, the batch is not in flight yet.
          await null;
        }
        if (keepalive) keepaliveBytes -= bytes;
        inFlight.delete(done);
        if (!response?.ok) unreported.push(...losses);
        settle(response);
        pump();
      };
      const done = run();
      inFlight.add(done);
      return true;
    };

    const settle = (response) => {
      const status = response?.status;
      if (response?.ok) {
        failures = 0;
        sent += items.length;
        return forget(items);
      }
      if (status === 413 && !isCut) {
        isCut = !items[1];
        queue.unshift(batch);
        if (!isCut) queue.unshift(toBatch(items.splice(0, items.length / 2)));
        return;
      }
      // Offline, an attempt tells nothing.
      if (globalThis.navigator?.onLine !== false) attempts++;
      // Of the client's errors, only 408 and 429 may pass.
      if (/^4(?!08|29)/.test(status) || attempts > MAX_ATTEMPTS) {
        forget(items, status ? `http_${status}` : 'network');
      } else {
        queue.unshift(batch);
      }
      // 400 and 413 are about this batch alone.
      if (status !== 400 && status !== 413) {
        const asked = response?.headers?.get?.('Retry-After') * 1000;
        const wait = Math.min(asked || 1000 * 2 ** failures++, MAX_WAIT) * (1 + Math.random() / 2);
        retryTimer ||= setTimeout(retry, wait);
      }
    };
    return batch;
  };

  /** Sends as much as may be in flight. */
  const pump = () => {
    const url = isEnabled() && read(options.endpoint);
    const slots = isHidden() ? HIDDEN_SLOTS : SLOTS;
    let more = url;
    while (more && inFlight.size < slots && !retryTimer) more = (queue.shift() ?? nextBatch())?.(url);
  };

  /** Does not wait for the time of the next try. */
  const retry = () => {
    clearTimeout(retryTimer);
    retryTimer = 0;
    pump();
  };

  const flush = () => {
    due = true;
    retry();
  };

  const onPageEvent = ({ type }) => {
    if (type !== 'visibilitychange') leaving = type === 'pagehide';
    due ||= isHidden();
    retry();
  };
  const onPageEvents = (method) => {
    // In the capture phase on window, nothing on the page can stop an event before it gets here.
    for (const type of PAGE_EVENTS) globalThis[method]?.(type, onPageEvent, true);
  };
  onPageEvents('addEventListener');

  return {
    add(signal, entry) {
      const bytes = byteLength(JSON.stringify(entry));
      const item = { signal, entry, bytes };
      pending.push(item);
      pendingBytes += bytes;
      while (pendingBytes > maxQueueBytes) forget([takeOldest()], 'queue_full');
      store.add?.(item);
      due ||= isHidden() || pending.length >= batchSize;
      leaving ? retry() : pump();
      flushTimer ||= setTimeout(() => {
        flushTimer = 0;
        due = true;
        pump();
      }, flushInterval);
    },
    async flush() {
      flush();
      while (inFlight.size) await Promise.all(inFlight);
    },
    clear() {
      pending = [];
      pendingBytes = 0;
      queue = [];
      unreported = [];
      due = false;
      store.clear?.();
    },
    drop,
    getBuffer() {
      isEnabled();
      return bySignal(pending);
    },
    stats: () => ({
      pending: pending.length,
      inFlight: inFlight.size,
      sent,
      dropped: { ...dropped },
    }),
    stop() {
      onPageEvents('removeEventListener');
      clearTimeout(flushTimer);
      clearTimeout(retryTimer);
    },
    store,
    /**
     * Queues a batch that a store has kept.
     */
    restore(items, id) {
      queue.push(toBatch(items, id));
      pump();
    },
  };
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];
/** How many entries a session that is not kept holds for its first error. */
const MAX_HELD = 50;


/**
 * Telemetry never breaks the app: what throws in here ends here.
 */
const safely =
  (method) =>
  (...args) => {
    try {
      return method(...args);
    } catch {}
  };

/**
 * Makes a telemetry client. None of its methods throws, whatever they are given.
 */
function createTelemetry(options) {
  options ??= {};
  const { minLevel, ignoreErrors = [], beforeSend, sampleRate = 1, sessionIdle = 1800000, parts = [] } = options;
  const copy = createCopy(options.redact);

  let hasConsent = options.consent !== false;
  /** Is added to all logs and spans. */
  let common = {};

  let sessionId = '';
  let lastEntry = 0;
  let isKept = true;
  /** What a session that is not kept holds. */
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

  const add = (signal, members, field, isError = false) => {
    if (!isEnabled()) return;
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

  const telemetry = {
    log(level, message, context = {}) {
      const rank = LEVELS.indexOf(level);
      const isError = rank > 2;
      if (rank < LEVELS.indexOf(minLevel)) return;
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
    telemetry[name] = safely(method);
  }

  const core = { ...sender, options, add: safely(add) };
  const ends = parts.map((part) => safely(part)(telemetry, core));
  return telemetry;
}

/**
 * Makes the client for an app that has a feature flag and settings of its own. Both are looked at on every call: the
 * client is on while the flag `TELEMETRY` is, and `enabled` is true or `'true'`.
 */
function createCompat(options) {
  return createTelemetry({
    ...options,
    enabled: () => options.isFeatureEnabled(options.flag ?? 'TELEMETRY') && read(options.enabled),
  });
}

const telemetry = createCompat({
  isFeatureEnabled,
  enabled: () => import.meta.env.VITE_TELEMETRY_ENABLED,
  endpoint: () => import.meta.env.VITE_TELEMETRY_ENDPOINT,
  token: () => import.meta.env.VITE_TELEMETRY_TOKEN,
});

export { telemetry };
