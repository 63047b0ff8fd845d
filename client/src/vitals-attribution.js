import { onCLS, onINP, onLCP } from 'web-vitals/attribution';
import { recordVitals } from './vitals-record.js';

/**
 * Records LCP, INP and CLS as metrics, with the element that each is about.
 *
 * @param {import('./vitals-record.js').VitalsOptions} [options]
 */
export const vitals = (options) => recordVitals(onINP, [onLCP, onCLS], options);
