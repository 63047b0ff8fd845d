/**
 * @typedef {(report: (metric: any) => void, options?: any) => void} VitalsSource
 */

/**
 * @typedef {object} VitalsOptions
 * @property {VitalsSource[]} [more] Further functions of `web-vitals`, such as `onFCP` and `onTTFB`.
 */

/**
 * @param {VitalsSource} onINP
 * @param {VitalsSource[]} others
 * @param {VitalsOptions} [options]
 * @returns {import('./types.js').Part}
 */
export const recordVitals =
  (onINP, others, { more = [] } = {}) =>
  (telemetry) => {
    let isOn = true;
    /** @param {any} metric */
    const report = ({ name, value, rating, attribution = {} }) => {
      const { target, interactionTarget, largestShiftTarget } = attribution;
      if (isOn) {
        telemetry.metric(
          `web_vital_${name.toLowerCase()}`,
          name === 'CLS' ? Number(value.toFixed(3)) : Math.round(value),
          { rating, target: target ?? interactionTarget ?? largestShiftTarget },
        );
      }
    };

    // An interaction just before the page is hidden comes after web-vitals has reported INP for the last time. So it
    // reports all changes, and what counts is how things stand when the page is hidden. If it is the slowest one, INP is
    // recorded twice, and the second value is the right one.
    /** @type {any} */
    let inp;
    const reportInp = () => {
      if (inp && document.visibilityState === 'hidden') {
        report(inp);
        inp = undefined;
      }
    };
    onINP(
      (metric) => {
        inp = metric;
        reportInp();
      },
      { reportAllChanges: true },
    );
    addEventListener('visibilitychange', reportInp, true);

    // web-vitals has no way to end this.
    for (const source of [...others, ...more]) source(report);
    return () => {
      isOn = false;
    };
  };
