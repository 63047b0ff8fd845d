// Checks dashboards against Grafana's own schema: node check.mjs FILE...
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const schema = createGenerator({
  path: fileURLToPath(new URL('types.ts', import.meta.url)),
  skipTypeCheck: true,
  additionalProperties: false,
  expose: 'none',
  topRef: false,
}).createSchema('Checked');
const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addSchema(schema, 'grafana');
const validator = (type) => ajv.getSchema(`grafana#/properties/${type}`);

let failed = false;
function check(where, type, value) {
  const validate = validator(type);
  const errors = validate ? (validate(value), validate.errors ?? []) : [{ instancePath: '', message: `no such type: ${type}` }];
  for (const e of errors) {
    failed = true;
    console.error(`${where}${e.instancePath}: ${e.message} ${JSON.stringify(e.params ?? {})}`);
  }
}

for (const file of process.argv.slice(2)) {
  const dashboard = JSON.parse(readFileSync(file, 'utf8'));
  check(file, 'dashboard', dashboard);
  for (const panel of dashboard.panels.filter((p) => p.type !== 'row' && p.type !== 'traces')) {
    check(`${file}: ${panel.title}`, panel.type, { options: panel.options ?? {}, custom: panel.fieldConfig?.defaults.custom ?? {} });
  }
}
process.exit(failed ? 1 : 0);
