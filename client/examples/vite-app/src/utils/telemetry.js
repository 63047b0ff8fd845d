import { createCompat } from '@saberloop/telemetry/compat';
import { isFeatureEnabled } from '../core/features.js';

export const telemetry = createCompat({
  isFeatureEnabled,
  enabled: () => import.meta.env.VITE_TELEMETRY_ENABLED === 'true',
  endpoint: import.meta.env.VITE_TELEMETRY_ENDPOINT,
  token: import.meta.env.VITE_TELEMETRY_TOKEN,
});
