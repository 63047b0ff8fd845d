// Checks dashboards against Grafana's own schema.
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addSchema(
  createGenerator({
    path: fileURLToPath(new URL('types.ts', import.meta.url)),
    skipTypeCheck: true,
    additionalProperties: false,
    expose: 'none',
    topRef: false,
  }).createSchema('Checked'),
  'grafana',
);

// validate returns what is wrong with a value, as one of the types in types.ts.
function validate(where, type, value) {
  const validator = ajv.getSchema(`grafana#/properties/${type}`);
  if (!validator) {
    return [`${where}: no such type: ${type}`];
  }
  validator(value);
  return (validator.errors ?? []).map((e) => `${where}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
}

// check returns what is wrong with a dashboard.
export function check(name, dashboard) {
  const errors = validate(name, 'dashboard', dashboard);
  if (errors.length > 0) {
    return errors; // its panels may be anything
  }
  for (const panel of dashboard.panels.flatMap((p) => (p.type === 'row' ? p.panels : p))) {
    const settings = { options: panel.options ?? {}, custom: panel.fieldConfig?.defaults.custom ?? {} };
    errors.push(...validate(`${name}: ${panel.title}`, panel.type, settings));
  }
  return errors;
}
