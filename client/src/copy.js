const REDACTED = '[REDACTED]';

/** The characters that an entry may have, and the levels. */
const MAX_LENGTH = 250000;
const MAX_DEPTH = 20;

const SECRET_NAMES = /passw|secret|token$|authorization|cookie|api.?key|credential/i;
/** Bearer tokens, JSON Web Tokens, parameters in URLs. */
const SECRET_TEXTS = /\bbearer\s+\S+|\beyJ[\w.-]+|[?&#]\w*(passw|secret|token|api.?key|code)\w*=[^&\s]*/gi;

/**
 * Says whether a text contains or matches one of the patterns.
 *
 * @param {string} text
 * @param {(string | RegExp)[]} patterns
 */
export const matches = (text, patterns) => patterns.some((pattern) => text.split(pattern).length > 1);

/**
 * Removes from a URL what may hold secrets: the query, and the fragment unless it is a route (`#/…`).
 *
 * @param {string} [href]
 */
export const cleanUrl = (href = '') => href.replace(/\?[^#]*|#(?!!?\/).*/g, '');

/**
 * Makes a function that copies any value to plain data that `JSON.stringify` can't fail on, with secrets replaced.
 * Circular references, throwing getters and objects of the browser become short texts; an `Error`, `Map` or `Set`
 * becomes an object or array of what it holds.
 *
 * @param {import('./types.js').Redact | false} [redact]
 */
export function createCopy(redact = {}) {
  const names = redact ? [SECRET_NAMES, ...(redact.names ?? [])] : [];
  const texts = redact ? [SECRET_TEXTS, ...(redact.texts ?? [])] : [];

  let budget = 0;

  /**
   * @param {any} value
   * @param {number} [length] the characters that the copy may have
   * @param {object[]} [parents]
   * @returns {any}
   */
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
      const { name, message, stack, cause, errors } = /** @type {AggregateError} */ (value);
      value = { name, message, stack, cause, errors, .../** @type {object} */ (value) };
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
    /** @type {any} */
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
