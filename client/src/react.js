/**
 * Makes the error handlers for React's `createRoot` and `hydrateRoot`.
 *
 * @param {import('./types.js').Telemetry} telemetry
 */
export function reactErrorHandlers(telemetry) {
  /**
   * @param {string} source
   * @param {import('./types.js').Level} level
   */
  const handler =
    (source, level) =>
    /**
     * @param {unknown} error
     * @param {import('react').ErrorInfo} [info]
     */
    (error, info) =>
      telemetry.log(level, error, { source, componentStack: info?.componentStack });
  return {
    /** Errors that no boundary caught: the app is gone from the screen. */
    onUncaughtError: handler('react.uncaught', 'fatal'),
    /** Errors that a boundary shows something else for. */
    onCaughtError: handler('react.caught', 'error'),
    /** Errors that React recovered from. */
    onRecoverableError: handler('react.recoverable', 'warn'),
  };
}
