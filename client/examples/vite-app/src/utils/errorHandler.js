import { logger } from './logger.js';

export function initErrorHandling() {
  window.addEventListener('error', ({ message, error, filename, lineno, colno }) =>
    logger.error(message, { source: 'error', error, filename, lineno, colno }),
  );
  window.addEventListener('unhandledrejection', ({ reason }) =>
    logger.error('Unhandled rejection', { source: 'unhandledrejection', error: reason }),
  );
}
