/**
 * Records what is written to the console.
 *
 * @param {object} [options]
 * @param {('debug' | 'info' | 'log' | 'warn' | 'error')[]} [options.methods] Default: `warn` and `error`.
 * @returns {import('./types.js').Part}
 */
export const consoleLogs =
  ({ methods = ['warn', 'error'] } = {}) =>
  (telemetry) => {
    let isLogging = false;
    const ends = methods.map((method) => {
      const original = console[method];
      /** @param {any[]} values */
      const replacement = (...values) => {
        original.apply(console, values);
        // What beforeSend and the like write must not come round again.
        if (isLogging) return;
        isLogging = true;
        const [message, ...rest] = values;
        telemetry.log(method === 'log' ? 'info' : method, message, {
          source: 'console',
          ...(rest[0] && { values: rest }),
        });
        isLogging = false;
      };
      console[method] = replacement;
      return () => {
        if (console[method] === replacement) console[method] = original;
      };
    });
    return () => {
      for (const end of ends) end();
    };
  };
