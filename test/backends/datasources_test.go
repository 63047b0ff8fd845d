// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/saberloop/otelcol-saberloop/test/harness"
)

// datasource has the links of a datasource that Grafana is provisioned with. The code
// here follows links as Grafana does; the tests run no Grafana.
type datasource struct {
	UID      string `yaml:"uid"`
	Type     string `yaml:"type"`
	JSONData struct {
		DerivedFields  []derivedField `yaml:"derivedFields"`
		TracesToLogsV2 tracesToLogs   `yaml:"tracesToLogsV2"`
	} `yaml:"jsonData"`
	Correlations []correlation `yaml:"correlations"`
}

// derivedField is a link from a label of a log line.
type derivedField struct {
	Name          string `yaml:"name"`
	MatcherType   string `yaml:"matcherType"`
	MatcherRegex  string `yaml:"matcherRegex"`
	DatasourceUID string `yaml:"datasourceUid"` // none for a link to another page
	URL           string `yaml:"url"`
}

// tracesToLogs is a link from a span.
type tracesToLogs struct {
	DatasourceUID      string        `yaml:"datasourceUid"`
	SpanStartTimeShift time.Duration `yaml:"spanStartTimeShift"`
	SpanEndTimeShift   time.Duration `yaml:"spanEndTimeShift"`
	CustomQuery        bool          `yaml:"customQuery"`
	Query              string        `yaml:"query"`
}

// correlation is a link from a field of a query result.
type correlation struct {
	TargetUID string `yaml:"targetUID"`
	Type      string `yaml:"type"`
	Config    struct {
		Field           string         `yaml:"field"`
		Target          map[string]any `yaml:"target"`
		Transformations []struct {
			Type       string `yaml:"type"`
			Field      string `yaml:"field"`
			Expression string `yaml:"expression"`
			MapValue   string `yaml:"mapValue"`
		} `yaml:"transformations"`
	} `yaml:"config"`
}

// provisioned returns the datasources by UID.
func provisioned(tb testing.TB) map[string]datasource {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(tb), "analysis/grafana/provisioning/datasources/saberloop.yaml"))
	require.NoError(tb, err)
	// Grafana puts the environment's variables in, but where the dollar is
	// doubled.
	parts := strings.Split(string(text), "$$")
	for i, part := range parts {
		parts[i] = os.Expand(part, func(string) string { return "" })
	}
	var file struct {
		Datasources []datasource `yaml:"datasources"`
	}
	require.NoError(tb, yaml.Unmarshal([]byte(strings.Join(parts, "$")), &file))
	byUID := map[string]datasource{}
	for _, d := range file.Datasources {
		byUID[d.UID] = d
	}
	return byUID
}

// variable matches a variable in a template.
var variable = regexp.MustCompile(`\$(\w+)|\$\{(\w+)(?:\.([^:}]+))?\}`)

// interpolate replaces the variables in a template. Grafana shows no link if one has no
// value.
func interpolate(template string, variables map[string]any) (text string, ok bool) {
	ok = true
	text = variable.ReplaceAllStringFunc(template, func(match string) string {
		name := variable.FindStringSubmatch(match)
		value, found := variables[name[1]+name[2]]
		if path := name[3]; path != "" {
			value, found = at(value, path)
		}
		if !found {
			ok = false
			return match
		}
		return fmt.Sprint(value)
	})
	return text, ok
}

// step matches a step of a path into a variable: name or ["name"].
var step = regexp.MustCompile(`^(?:\.?(\w+)|\["([^"]+)"\])`)

func at(value any, path string) (any, bool) {
	for path != "" {
		name := step.FindStringSubmatch(path)
		members, isObject := value.(map[string]any)
		if name == nil || !isObject {
			return nil, false
		}
		member, found := members[name[1]+name[2]]
		if !found {
			return nil, false
		}
		value, path = member, path[len(name[0]):]
	}
	return value, true
}

// query returns the query of the link for a line, if there is one.
func (f derivedField) query(tb testing.TB, line logLine) (string, bool) {
	tb.Helper()
	require.Equal(tb, "label", f.MatcherType)
	matcher := regexp.MustCompile(f.MatcherRegex)
	// The first label that matches counts, and Grafana has them in order.
	keys := slices.Sorted(maps.Keys(line.Labels))
	i := slices.IndexFunc(keys, matcher.MatchString)
	if i < 0 {
		return "", false
	}
	return interpolate(f.URL, map[string]any{
		"__value":          map[string]any{"raw": line.Labels[keys[i]]},
		"__url_time_range": "from=now-30d&to=now",
	})
}

// query returns the target of the link for the fields of a row, if there is one.
func (c correlation) query(tb testing.TB, fields map[string]any) (map[string]any, bool) {
	tb.Helper()
	require.Equal(tb, "query", c.Type)
	require.Contains(tb, fields, c.Config.Field)
	variables := map[string]any{}
	for _, transformation := range c.Config.Transformations {
		require.Equal(tb, "regex", transformation.Type)
		require.Contains(tb, fields, transformation.Field)
		text, err := json.Marshal(fields[transformation.Field])
		require.NoError(tb, err)
		expression := regexp.MustCompile("(?i)" + transformation.Expression)
		for _, match := range expression.FindAllSubmatch(text, -1) {
			variables[transformation.MapValue] = string(match[1]) // the last one counts
		}
	}
	target := maps.Clone(c.Config.Target)
	for key, value := range target {
		if template, isText := value.(string); isText {
			text, ok := interpolate(template, variables)
			if !ok {
				return nil, false
			}
			target[key] = text
		}
	}
	return target, true
}

// query returns the query and the time range of the link for a span, if there is one.
func (l tracesToLogs) query(tb testing.TB, s span) (query string, from, to time.Time, ok bool) {
	tb.Helper()
	require.True(tb, l.CustomQuery)
	tags := map[string]any{}
	for _, tag := range slices.Concat(s.Process, s.Tags) {
		tags[tag.Key] = tag.Value
	}
	query, ok = interpolate(l.Query, map[string]any{
		"__span":  map[string]any{"spanId": s.SpanID, "traceId": s.TraceID, "name": s.OperationName, "tags": tags},
		"__trace": map[string]any{"traceId": s.TraceID},
	})
	// Grafana's times are whole milliseconds.
	from = time.UnixMicro(s.StartTime).Add(l.SpanStartTimeShift).UTC().Truncate(time.Millisecond)
	to = time.UnixMicro(s.StartTime + s.Duration).Add(l.SpanEndTimeShift).UTC().Truncate(time.Millisecond)
	return query, from, to, ok
}
