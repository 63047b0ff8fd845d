import { randomHex } from './sender.js';

const STORE = 'entries';
const MAX_BATCH_BYTES = 30000;

/** @typedef {import('./types.js').Item} Item */
/** @typedef {Item & { owner: string, batch?: string }} Row */

/**
 * Keeps what is queued in IndexedDB, so that it survives a reload, a crash and a kill. The next page of the origin sends
 * what a page that is gone has left. Several pages may be open at a time: each holds a lock while it lives. Pages that are
 * not secure (`http:`, but for localhost) keep nothing.
 *
 * @param {object} [options]
 * @param {string} [options.name] The name of the database. Default: `saberloop-telemetry`.
 * @param {number} [options.maxEntries] How many entries a page keeps. Default: 10000.
 * @returns {import('./types.js').Part}
 */
export const persist =
  ({ name = 'saberloop-telemetry', maxEntries = 10000 } = {}) =>
  (telemetry, core) => {
    const owner = randomHex(16);
    const { locks } = navigator;
    // A page that is not secure has none, and nothing would tell who is alive.
    if (!locks) return;
    let count = 0;
    let mayHaveRows = true;
    /** @type {(value?: unknown) => void} */
    let unlock = () => {};

    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const opened = new Promise((resolve, reject) => {
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = reject;
    });

    opened.catch(() => {});

    /**
     * Changes the database, in the order of the calls. Where there is none, all goes on as without this part.
     *
     * @param {(store: IDBObjectStore) => void} steps
     */
    const change = async (steps) => {
      try {
        const transaction = (await opened).transaction(STORE, 'readwrite');
        await new Promise((resolve) => {
          transaction.oncomplete = resolve;
          transaction.onabort = resolve;
          steps(transaction.objectStore(STORE));
        });
      } catch {}
    };

    /**
     * @param {Item[]} items
     * @param {string} [batch]
     */
    const write = (items, batch) =>
      change((store) => {
        for (const { key, ...item } of items) if (key) store.put({ ...item, owner, batch }, key);
      });

    /** What is added in one go is written together. @type {Item[]} */
    let added = [];
    const writeAdded = () => {
      if (added[0]) write(added);
      added = [];
    };

    Object.assign(core.store, {
      /** @param {Item} item */
      add(item) {
        if (count >= maxEntries) return;
        mayHaveRows = true;
        item.key = `${owner}-${count++}`;
        if (added.push(item) < 2) queueMicrotask(writeAdded);
      },
      /**
       * @param {string} id
       * @param {Item[]} items
       */
      group(id, items) {
        writeAdded();
        const written = write(items, id);
        // There is no time to wait for it on the way out.
        return document.visibilityState === 'hidden' ? undefined : written;
      },
      /** @param {Item[]} items */
      remove(items) {
        writeAdded();
        change((store) => {
          for (const { key } of items) if (key) store.delete(key);
        });
      },
      clear() {
        added = [];
        if (mayHaveRows) change((store) => store.clear());
        mayHaveRows = false;
      },
    });

    /**
     * @param {(row: Row, key: string) => Row | void} visit what it returns takes the row's place
     */
    const eachRow = (visit) =>
      change((store) => {
        const request = store.openCursor();
        request.onsuccess = () => {
          const cursor = request.result;
          if (!cursor) return;
          const row = visit(cursor.value, String(cursor.key));
          if (row) cursor.update(row);
          cursor.continue();
        };
      });

    /**
     * Takes over what dead pages have left, each batch under the id that it may have been sent with already.
     *
     * @param {(row: Row) => boolean} isDead
     */
    const adopt = async (isDead) => {
      /** @type {Map<string, Item[]>} */
      const batches = new Map();
      /** @type {Item[]} */
      let rest = [];
      let restBytes = 0;
      await eachRow((row, key) => {
        if (!isDead(row)) return;
        const { signal, entry, bytes, batch } = row;
        const item = { signal, entry, bytes, key };
        if (batch) {
          batches.set(batch, [...(batches.get(batch) ?? []), item]);
        } else {
          restBytes += bytes;
          if (restBytes > MAX_BATCH_BYTES) {
            batches.set(randomHex(32), rest);
            rest = [];
            restBytes = bytes;
          }
          rest.push(item);
        }
        return { ...row, owner };
      });
      if (rest[0]) batches.set(randomHex(32), rest);
      for (const [id, items] of batches) if (items[0]) core.restore(items, id);
    };

    const adoptAll = async () => {
      if (!telemetry.isEnabled()) return;
      const owners = new Set();
      await eachRow((row) => void owners.add(row.owner));
      owners.delete(owner);
      for (const other of owners) {
        await locks.request(`${name}-${other}`, { ifAvailable: true }, (lock) =>
          lock ? adopt((row) => row.owner === other) : undefined,
        );
      }
    };

    const live = () =>
      locks.request(`${name}-${owner}`, () => new Promise((resolve) => (unlock = resolve))).catch(() => {});
    // A page that holds a lock could not go into the back/forward cache.
    const onPageHide = () => unlock();
    const onPageShow = (/** @type {PageTransitionEvent} */ { persisted }) => persisted && live();

    live();
    addEventListener('pagehide', onPageHide, true);
    addEventListener('pageshow', onPageShow, true);
    adoptAll().catch(() => {});
    return () => {
      removeEventListener('pagehide', onPageHide, true);
      removeEventListener('pageshow', onPageShow, true);
      unlock();
    };
  };
