export const isFeatureEnabled = () => true;
