import { matches } from './copy.js';

/** Errors that no one can do anything about. Chrome says "Script error." of scripts from other origins. */
const NOISE = [/^(Uncaught )?Script error\.?$/, /^ResizeObserver loop/];
/** Code of browser extensions. `webkit-masked-url:` is not in here: Safari hides the app's own code behind it, too. */
const FOREIGN = [/^(\w+-)+extension:/];

/**
 * The place that an error was thrown at: its first frame, in the form of Chrome, Firefox or Safari.
 *
 * @param {any} error
 * @returns {string}
 */
const topFrame = (error) => /(?:at .*?\(?|@)([\w-]+:\/\/[^\s)]+)/.exec(error?.stack)?.[1] ?? '';

/**
 * Records uncaught errors and unhandled rejections. The same error is recorded once within a window; what is left out
 * is counted, and reported to the collector.
 *
 * @param {object} [options]
 * @param {(string | RegExp)[]} [options.ignore] Further messages to leave out.
 * @param {number} [options.window] Milliseconds within which an error is a duplicate. Default: 60000.
 * @param {number} [options.maxPerWindow] How many errors are recorded within that time. Default: 20.
 * @returns {import('./types.js').Part}
 */
export const errors =
  ({ ignore = [], window: span = 60000, maxPerWindow = 20 } = {}) =>
  (telemetry, core) => {
    /** The errors of the current window, and how often each came. @type {Map<string, number>} */
    let seen = new Map();
    let windowEnd = 0;

    /**
     * @param {any} error
     * @param {string} message what to say if there is no error
     * @param {string} source
     * @param {string} [file]
     */
    const capture = (error, message, source, file) => {
      const frame = topFrame(error) || file || '';
      const text = error instanceof Error ? `${error.name}: ${error.message}` : message;
      if (matches(String(error?.message ?? message), [...NOISE, ...ignore]) || matches(frame, FOREIGN)) return;

      const now = Date.now();
      if (now > windowEnd) {
        windowEnd = now + span;
        seen = new Map();
      }
      const key = `${text} ${frame}`;
      const count = seen.get(key) ?? 0;
      seen.set(key, count + 1);
      if (count || seen.size > maxPerWindow) return core.drop('logs', count ? 'duplicate' : 'rate_limited');
      const context = error instanceof Error ? { source } : { source, reason: error, file };
      telemetry.log('error', error instanceof Error ? error : text, context);
    };

    /** @param {any} event */
    const onError = ({ error, message, filename, lineno, colno }) => {
      try {
        // An image or script that did not load has no message.
        if (message) capture(error, message, 'error', filename && `${filename}:${lineno}:${colno}`);
      } catch {}
    };
    /** @param {any} event */
    const onRejection = ({ reason }) => {
      try {
        const text = typeof reason === 'string' ? reason : (reason?.message ?? 'no Error');
        capture(reason, `Unhandled rejection: ${text}`, 'unhandledrejection');
      } catch {}
    };
    addEventListener('error', onError, true);
    addEventListener('unhandledrejection', onRejection, true);
    return () => {
      removeEventListener('error', onError, true);
      removeEventListener('unhandledrejection', onRejection, true);
    };
  };
