import { cleanUrl } from './copy.js';

/**
 * Makes a template of a path: numbers, UUIDs and long hexadecimal segments become `:id`.
 *
 * @param {string} path
 */
const toRoute = (path) => path.replace(/\/(\d+|[\da-f-]{16,})(?=\/|$)/gi, '/:id');

/** @param {URL} url */
const defaultRoute = ({ pathname, hash }) => toRoute(cleanUrl(hash.match('^#!?/') ? hash : pathname));

/**
 * Records the views of a single-page app, and adds the current one to all logs and spans as `page`.
 *
 * @param {object} [options]
 * @param {(url: URL) => string} [options.route] Names the page that a URL shows. Default: its path, or the route in its
 *   fragment, with `:id` for what looks like one.
 * @returns {import('./types.js').Part}
 */
export const pageViews =
  ({ route = defaultRoute } = {}) =>
  (telemetry) => {
    let current = '';
    const view = () => {
      const page = route(new URL(location.href));
      if (page === current) return;
      const from = current || document.referrer || undefined;
      current = page;
      telemetry.setContext({ page });
      telemetry.log('info', 'Page view', { from: from && cleanUrl(from) });
    };
    const onView = () => {
      try {
        view();
      } catch {}
    };

    const ends = /** @type {const} */ (['pushState', 'replaceState']).map((method) => {
      const original = history[method];
      /** @type {typeof original} */
      const replacement = (...args) => {
        original.apply(history, args);
        onView();
      };
      history[method] = replacement;
      return () => {
        if (history[method] === replacement) history[method] = original;
      };
    });
    // A change of the fragment fires popstate, too.
    addEventListener('popstate', onView, true);
    onView();
    return () => {
      removeEventListener('popstate', onView, true);
      for (const end of ends) end();
    };
  };
