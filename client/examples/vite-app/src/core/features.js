const FLAGS = { TELEMETRY: true };

export const isFeatureEnabled = (name) => FLAGS[name] === true;
