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

/** @typedef {import('./types.js').Item} Item */
/** @typedef {import('./types.js').Dropped} Dropped */
/**
 * Sends its entries, and says false if the browser would not let them through now.
 *
 * @typedef {(url: string) => boolean} Batch
 */

/** @param {number} digits */
export const randomHex = (digits) => 'x'.repeat(digits).replace(/x/g, () => ((Math.random() * 16) | 0).toString(16));

/**
 * A setting may be a function that returns it.
 *
 * @param {any} setting
 */
export const read = (setting) => (typeof setting === 'function' ? setting() : setting);

/**
 * The most bytes that a text can have in UTF-8.
 *
 * @param {string} text
 */
const byteLength = (text) => text.replace(/[^\0-\x7f]/g, '...').length;

/**
 * Puts entries under the names of their signals.
 *
 * @param {Item[]} items
 */
const bySignal = (items) => {
  /** @type {any} */
  const signals = { logs: [], traces: [], metrics: [] };
  for (const { signal, entry } of items) signals[signal].push(entry);
  return signals;
};

/**
 * Makes the queue of entries. It groups them into batches, sends these, and tries again where that can help. An entry
 * leaves the queue when the collector took it, or is counted as dropped.
 *
 * @param {import('./types.js').Options} options
 * @param {() => boolean} isEnabled
 * @param {(value: any, budget?: number) => any} copy
 */
export function createSender(options, isEnabled, copy) {
  const {
    batchSize = 10,
    flushInterval = 30000,
    maxQueueBytes = 4000000,
    timeout = 10000,
    release,
    environment,
  } = options;
  const resource = { 'service.version': release, 'deployment.environment.name': environment };

  /** Entries that are in no batch yet. @type {Item[]} */
  let pending = [];
  let pendingBytes = 0;
  /** Batches to send before what is pending, most of them again. @type {Batch[]} */
  let queue = [];
  /** @type {Set<Promise<void>>} */
  const inFlight = new Set();
  /** What the requests in flight have of the browser's cap. */
  let keepaliveBytes = 0;
  /** Losses that no batch has reported yet. @type {Dropped[]} */
  let unreported = [];
  /** How many entries were lost for each reason. @type {Record<string, number>} */
  const dropped = {};
  let sent = 0;
  let failures = 0;
  /** Whether all that is pending shall go. */
  let due = false;
  /** Whether the page is being left: what is not sent in this very call may never be. */
  let leaving = false;
  /** @type {any} */
  let flushTimer;
  /** Waits for the time of the next try. @type {any} */
  let retryTimer;
  /** Is told of all that is queued. @type {Partial<import('./types.js').Store>} */
  const store = {};

  const isHidden = () => leaving || globalThis.document?.visibilityState === 'hidden';

  /**
   * @param {string} signal
   * @param {string} reason
   */
  const drop = (signal, reason, count = 1) => {
    dropped[reason] = (dropped[reason] ?? 0) + count;
    const row = unreported.find((other) => other.signal === signal && other.reason === reason);
    if (row) row.count += count;
    else unreported.push({ signal, reason, count });
  };

  /**
   * Ends the wait of entries that were sent, or are dropped for a reason.
   *
   * @param {Item[]} items
   * @param {string} [reason]
   */
  const forget = (items, reason) => {
    if (reason) for (const { signal } of items) drop(signal, reason);
    store.remove?.(items);
  };

  const takeOldest = () => {
    const item = /** @type {Item} */ (pending.shift());
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

  /**
   * @param {Item[]} items
   * @returns {Batch}
   */
  const toBatch = (items, id = randomHex(32)) => {
    let attempts = 0;
    let isCut = false;

    /** @type {Batch} */
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

    /** @param {any} response the answer, if one came */
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

  /** @param {{ type: string }} event */
  const onPageEvent = ({ type }) => {
    if (type !== 'visibilitychange') leaving = type === 'pagehide';
    due ||= isHidden();
    retry();
  };
  /** @param {'addEventListener' | 'removeEventListener'} method */
  const onPageEvents = (method) => {
    // In the capture phase on window, nothing on the page can stop an event before it gets here.
    for (const type of PAGE_EVENTS) globalThis[method]?.(type, onPageEvent, true);
  };
  onPageEvents('addEventListener');

  return {
    /**
     * @param {string} signal
     * @param {any} entry plain data
     */
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
     *
     * @param {Item[]} items
     * @param {string} [id]
     */
    restore(items, id) {
      queue.push(toBatch(items, id));
      pump();
    },
  };
}
