import { isFeatureEnabled } from '../core/features.js';
import { createCompat } from '../src/compat.js';

export const telemetry = createCompat({
  isFeatureEnabled,
  enabled: () => import.meta.env.VITE_TELEMETRY_ENABLED,
  endpoint: () => import.meta.env.VITE_TELEMETRY_ENDPOINT,
  token: () => import.meta.env.VITE_TELEMETRY_TOKEN,
});
