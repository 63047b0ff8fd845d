import { initErrorHandling } from './utils/errorHandler.js';
import { logger } from './utils/logger.js';
import { initPerformanceMonitoring } from './utils/performance.js';
import { telemetry } from './utils/telemetry.js';

initErrorHandling();
initPerformanceMonitoring();

document.querySelector('#start').addEventListener('click', () => {
  const start = performance.now();
  logger.info('Quiz started', { topic: 'Math' });
  telemetry.trace('quiz.start', performance.now() - start, { topic: 'Math' });
});
document.querySelector('#fail').addEventListener('click', () => {
  throw new TypeError('The quiz failed');
});
