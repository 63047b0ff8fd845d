/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '[.]test[.]js$' }, to: {} },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-to-dev-dependency',
      severity: 'error',
      from: { path: '^src', pathNot: '[.]test[.]js$' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'telemetry-is-infrastructure',
      severity: 'error',
      comment: 'telemetry.js knows the feature flags, the telemetry package where it is used, and nothing else',
      from: { path: '^src/utils/telemetry[.]js$' },
      to: { pathNot: ['^src/core/features[.]js$', 'telemetry/compat$', 'src/compat[.]js$'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '[.][.]/src'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
