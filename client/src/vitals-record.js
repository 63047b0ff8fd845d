/**
 * @typedef {object} VitalsOptions
 * @property {((report: (metric: any) => void, options?: any) => void)[]} [more] Further functions of `web-vitals`, such
 *   as `onFCP` and `onTTFB`.
 */

/**
 * @param {((report: (metric: any) => void, options?: any) => void)[]} sources
 * @param {VitalsOptions} [options]
 * @returns {import('./types.js').Part}
 */
export const recordVitals =
  (sources, { more = [] } = {}) =>
  (telemetry) => {
    let isOn = true;
    /** @param {any} metric */
    const report = ({ name, value, rating, attribution = {} }) => {
      if (!isOn) return;
      const { target, interactionTarget, largestShiftTarget } = attribution;
      telemetry.metric(
        `web_vital_${name.toLowerCase()}`,
        name === 'CLS' ? Number(value.toFixed(3)) : Math.round(value),
        {
          rating,
          target: target ?? interactionTarget ?? largestShiftTarget,
        },
      );
    };
    // web-vitals has no way to end this.
    for (const source of [...sources, ...more]) source(report);
    return () => {
      isOn = false;
    };
  };
