// What check.mjs holds the dashboards to: Grafana's own types of a dashboard
// and of the panels used in ours, whose options may be left out.
import type { Dashboard } from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type * as logs from './node_modules/@grafana/schema/dist/types/raw/composable/logs/panelcfg/x/types.gen';
import type * as stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type * as table from './node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import type * as text from './node_modules/@grafana/schema/dist/types/raw/composable/text/panelcfg/x/types.gen';
import type * as timeseries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';

type Panel<Options, Custom> = { options: Partial<Options>; custom: Partial<Custom> };
type None = Record<string, never>;

export type Checked = {
  dashboard: Dashboard;
  logs: Panel<logs.Options, None>;
  stat: Panel<stat.Options, None>;
  table: Panel<table.Options, table.FieldConfig>;
  text: Panel<text.Options, None>;
  timeseries: Panel<timeseries.Options, timeseries.FieldConfig>;
};
