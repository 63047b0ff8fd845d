// That check.mjs finds fault with nothing in the dashboards, and with whatever
// is done to one of them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { check } from './check.mjs';

const folder = new URL('../../../analysis/grafana/dashboards/', import.meta.url);
const read = (file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

assert.ok(files.length > 0);
for (const file of files) {
  test(file, () => assert.deepEqual(check(file, read(file)), []));
}

const panel = (dashboard, type) => dashboard.panels.find((p) => p.type === type);

const faults = {
  'an unknown key': (d) => (d.colour = 'red'),
  'an unknown key of a panel': (d) => (panel(d, 'timeseries').unit = 'ms'),
  'an unknown key of a position': (d) => (d.panels[0].gridPos.z = 1),
  'a position that is no number': (d) => (d.panels[0].gridPos.x = 'left'),
  'a position without a height': (d) => delete d.panels[0].gridPos.h,
  'a title that is no text': (d) => (panel(d, 'timeseries').title = 42),
  'a refresh that is a number': (d) => (d.refresh = 5),
  'tags that are no list': (d) => (d.tags = 'saberloop'),
  'panels that are no list': (d) => (d.panels = {}),
  'a variable of an unknown type': (d) => (d.templating = { list: [{ name: 'x', type: 'dropdown' }] }),
  'an unknown kind of panel': (d) => (panel(d, 'timeseries').type = 'pie'),
  'an unknown option of a panel': (d) => (panel(d, 'timeseries').options.wrap = true),
  'an option of the wrong type': (d) => (panel(d, 'timeseries').options.legend = 'none'),
  'an unknown word in an option': (d) => (panel(d, 'timeseries').options.tooltip = { mode: 'hover', sort: 'none' }),
  'an unknown way to draw': (d) => (panel(d, 'timeseries').fieldConfig.defaults.custom = { drawStyle: 'zigzag' }),
  'an unknown unit of thresholds': (d) => (panel(d, 'timeseries').fieldConfig.defaults.thresholds = { mode: 'perhaps', steps: [] }),
};

for (const [fault, damage] of Object.entries(faults)) {
  test(fault, () => {
    const dashboard = read('overview.json');
    damage(dashboard);
    assert.notDeepEqual(check('overview.json', dashboard), []);
  });
}
