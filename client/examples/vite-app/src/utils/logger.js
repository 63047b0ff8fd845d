import { telemetry } from './telemetry.js';

const log = (level, message, context = {}) => {
  console[level](`[${level}] ${message}`, context);
  telemetry.log(level, message, context);
};

export const logger = {
  debug: (message, context) => log('debug', message, context),
  info: (message, context) => log('info', message, context),
  warn: (message, context) => log('warn', message, context),
  error: (message, context) => log('error', message, context),
  perf: (name, { value, ...labels }) => telemetry.metric(`web_vital_${name.toLowerCase()}`, value, labels),
};
