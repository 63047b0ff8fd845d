import { onCLS, onINP, onLCP } from 'web-vitals';
import { logger } from './logger.js';

export function initPerformanceMonitoring() {
  const report = ({ name, value, rating }) => logger.perf(name, { value: Math.round(value * 1000) / 1000, rating });
  onLCP(report);
  onINP(report);
  onCLS(report);
}
