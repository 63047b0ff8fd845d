import { onCLS, onINP, onLCP } from 'web-vitals';
import { recordVitals } from './vitals-record.js';

/**
 * Records LCP, INP and CLS as metrics.
 *
 * @param {import('./vitals-record.js').VitalsOptions} [options]
 */
export const vitals = (options) => recordVitals(onINP, [onLCP, onCLS], options);
