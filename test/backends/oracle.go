// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"math"
	"regexp"
	"slices"
	"testing"
)

// row is an entry, as far as dashboards show it.
type row struct {
	place
	shown
	// Value is a point's, or the milliseconds that a span took, and Valued
	// tells whether there is one.
	Value  float64
	Valued bool
	// Labels are a point's.
	Labels map[string]string
}

// rows are the entries of all signals.
func (f dayFiles) rows(tb testing.TB) []row {
	tb.Helper()
	var all []row
	for _, signal := range signals {
		f.Each(tb, signal, func(at place, e entry) {
			r := row{place: at, shown: e.shown(at)}
			switch signal {
			case "traces":
				r.Value, r.Valued = float64(e.Took())/1e6, true
			case "metrics":
				r.Value, r.Valued = number(e.Value)
				r.Labels = members(e.Labels)
			}
			all = append(all, r)
		})
	}
	return all
}

// isError says whether a row is a logged error.
func (r row) isError() bool {
	return r.Signal == "logs" && (r.Level == "error" || r.Level == "Error")
}

var digits = regexp.MustCompile(`[0-9]+`)

// message is a log's, numbers taken out.
func (r row) message() string { return digits.ReplaceAllString(r.Text, "#") }

// oracle answers, from the files, what the servers are asked.
type oracle struct {
	view
	rows []row
}

// These say which rows count, by what they are grouped, and what is made of a
// group; a group of which nothing is made is left out.
type (
	selector  func(row) bool
	grouping  func(row) map[string]string
	aggregate func([]row) (float64, bool)
)

// inRange answers an instant query over the whole time range: its beginning is
// left out, its end counts.
func (o oracle) inRange(which selector, by grouping, what aggregate) values {
	return o.group(what, func(r row) (string, bool) {
		return spelt(by(r)), which(r) && r.Time.After(o.From) && !r.Time.After(o.To)
	})
}

// perDay answers a query per day; midnight belongs to the day that it ends.
func (o oracle) perDay(which selector, by grouping, what aggregate) values {
	first, last := o.From.Truncate(aDay), o.To.Truncate(aDay)
	return o.group(what, func(r row) (string, bool) {
		day := r.Time.Add(-1).Truncate(aDay)
		return onDay(spelt(by(r)), day), which(r) && !day.Before(first) && !day.After(last)
	})
}

func (o oracle) group(what aggregate, key func(row) (string, bool)) values {
	groups := map[string][]row{}
	for _, r := range o.rows {
		if k, ok := key(r); ok {
			groups[k] = append(groups[k], r)
		}
	}
	v := values{}
	for k, group := range groups {
		if value, ok := what(group); ok {
			v[k] = value
		}
	}
	return v
}

// by groups by labels; a row without one has no such label.
func by(labels map[string]func(row) string) grouping {
	return func(r row) map[string]string {
		group := map[string]string{}
		for label, value := range labels {
			if v := value(r); v != "" {
				group[label] = v
			}
		}
		return group
	}
}

func together(row) map[string]string { return nil }

func count(rows []row) (float64, bool) { return float64(len(rows)), true }

// sessions counts those that rows are of.
func sessions(rows []row) (float64, bool) {
	ids := map[string]bool{}
	for _, r := range rows {
		if r.Session != "" {
			ids[r.Session] = true
		}
	}
	return float64(len(ids)), len(ids) > 0
}

// share is the part of the rows that are of a kind.
func share(which selector) aggregate {
	return func(rows []row) (float64, bool) {
		n := 0
		for _, r := range rows {
			if which(r) {
				n++
			}
		}
		return float64(n) / float64(len(rows)), true
	}
}

// quantile is the q-quantile of the rows' values, between two of them
// interpolated.
func quantile(q float64) aggregate {
	return func(rows []row) (float64, bool) {
		sorted := make([]float64, len(rows))
		for i, r := range rows {
			sorted[i] = r.Value
		}
		slices.Sort(sorted)
		rank := q * float64(len(sorted)-1)
		low := int(math.Floor(rank))
		high := min(low+1, len(sorted)-1)
		weight := rank - float64(low)
		return sorted[low]*(1-weight) + sorted[high]*weight, true
	}
}

// extreme is the one of the rows' values that pick leaves, as min or max.
func extreme(pick func(float64, float64) float64, value func(row) float64) aggregate {
	return func(rows []row) (float64, bool) {
		best := value(rows[0])
		for _, r := range rows[1:] {
			best = pick(best, value(r))
		}
		return best, true
	}
}

func mean(rows []row) (float64, bool) {
	var sum float64
	for _, r := range rows {
		sum += r.Value
	}
	return sum / float64(len(rows)), true
}

func (r row) milliseconds() float64 { return float64(r.Time.UnixMilli()) }
