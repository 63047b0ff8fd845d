import { createTelemetry } from './index.js';
import { read } from './sender.js';

/**
 * Makes the client for an app that has a feature flag and settings of its own. Both are looked at on every call: the
 * client is on while the flag `TELEMETRY` is, and `enabled` is true or `'true'`.
 *
 * @param {import('./types.js').Options & {
 *   isFeatureEnabled: (flag: string) => unknown,
 *   flag?: string,
 * }} options `flag` is the flag's name, if it is another.
 * @returns {import('./types.js').Telemetry}
 */
export function createCompat(options) {
  return createTelemetry({
    ...options,
    enabled: () => options.isFeatureEnabled(options.flag ?? 'TELEMETRY') && read(options.enabled),
  });
}
