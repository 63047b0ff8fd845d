/** How many scripts of a frame are told of. */
const MAX_SCRIPTS = 5;

/**
 * Records long animation frames, in which the page does not answer, with the scripts that ran. Chromium alone
 * reports them.
 *
 * @param {object} [options]
 * @param {number} [options.minBlocking] Milliseconds that a frame must block for to be recorded. Default: 100.
 * @param {number} [options.maxPerPage] How many are recorded. Default: 50.
 * @returns {import('./types.js').Part}
 */
export const longFrames =
  ({ minBlocking = 100, maxPerPage = 50 } = {}) =>
  (telemetry) => {
    let count = 0;
    const observer = new PerformanceObserver((list) => {
      for (const frame of /** @type {any[]} */ (list.getEntries())) {
        if (frame.blockingDuration < minBlocking || count++ >= maxPerPage) continue;
        const scripts = /** @type {any[]} */ (frame.scripts)
          .slice(0, MAX_SCRIPTS)
          .map(({ duration, invoker, sourceURL, sourceFunctionName }) => ({
            duration,
            invoker,
            source: sourceURL,
            function: sourceFunctionName,
          }));
        telemetry.trace('long_animation_frame', frame.duration, { blocking: frame.blockingDuration, scripts });
      }
    });
    observer.observe({ type: 'long-animation-frame', buffered: true });
    return () => observer.disconnect();
  };
