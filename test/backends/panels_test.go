// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package backends

import (
	"maps"
	"math"
	"regexp"
	"strings"
)

// expectations has what the panels of a dashboard have to show, by title: a graph, stat,
// table, firstOf or lines.
type expectations map[string]func(view) any

func nameOf(e *event) string { return e.name }

func sessionOf(e *event) string { return e.session }

func inSession(e *event) bool { return e.session != "" }

var overview = expectations{
	"Sessions": func(v view) any { return stat(v.during(v.events).sessions()) },
	"Entries":  func(v view) any { return stat(v.during(v.events).count()) },
	"Errors":   func(v view) any { return stat(v.during(v.events).where((*event).severe).count()) },
	"Sessions with an error": func(v view) any {
		return stat(v.during(v.events).where((*event).severe).sessions() / v.during(v.events).sessions())
	},
	"LCP p75": func(v view) any { return stat(p75(v.during(v.events).vital(lcp))) },
	"INP p75": func(v view) any { return stat(p75(v.during(v.events).vital(inp))) },
	"CLS p75": func(v view) any { return stat(p75(v.during(v.events).vital(cls))) },
	"Failed API calls": func(v view) any {
		calls := v.during(v.events).of("traces").where(func(e *event) bool { return strings.HasPrefix(e.name, "api.") })
		return stat(failures(calls))
	},
	"Sessions per day": func(v view) any {
		return v.perDay(v.where(inSession), named("sessions"), events.sessions)
	},
	"Entries per day": func(v view) any {
		return v.perDay(v.events, func(e *event) string { return e.Signal }, events.count)
	},
	"Logs per day by level": func(v view) any {
		return v.perDay(v.of("logs"), func(e *event) string { return orUnknown(e.level) }, events.count)
	},
	"Sessions per day by release": func(v view) any {
		return v.perDay(v.where(inSession), (*event).releaseOrUnknown, events.sessions)
	},
	"Mean of $metric per day":   func(v view) any { return v.perDay(v.chosenMetric(), named("mean"), events.mean) },
	"Points of $metric per day": func(v view) any { return v.perDay(v.chosenMetric(), named("points"), events.count) },
}

func (v view) chosenMetric() events {
	return v.where(func(e *event) bool { return e.measured && e.name == v.chosen["metric"] })
}

var errorsBoard = expectations{
	"Errors per day by release": func(v view) any {
		return v.perDay(v.errors(), (*event).releaseOrUnknown, events.count)
	},
	"Sessions hit per day": func(v view) any {
		return v.perDay(v.errors().where(inSession), named("sessions"), events.sessions)
	},
	"Errors": func(v view) any {
		return perKey(v.during(v.errors()), []string{"Message"}, (*event).kind, cell,
			column{"Count", events.count}, column{"Sessions hit", events.sessions}, column{"Releases", events.releases},
			column{"First seen", events.firstSeen}, column{"Last seen", events.lastSeen})
	},
	"Errors by release": func(v view) any {
		type key struct{ kind, release string }
		return perKey(v.during(v.errors()), []string{"Message", "Release"},
			func(e *event) key { return key{e.kind(), e.releaseOrUnknown()} },
			func(k key) []any { return []any{k.kind, k.release} },
			column{"Count", events.count}, column{"Sessions hit", events.sessions},
			column{"First seen", events.firstSeen}, column{"Last seen", events.lastSeen})
	},
	"Sessions with the most errors": func(v view) any {
		hit := v.during(v.errors()).where(inSession)
		return firstOf{100, perKey(hit, []string{"Session"}, sessionOf, cell, column{"Errors", events.count})}
	},
	"Latest errors": func(v view) any {
		return v.lines(v.errors(), func(a, b *event) int { return byShownTime(b, a) }, 200)
	},
}

func (v view) errors() events {
	return v.where(func(e *event) bool { return e.severe() && v.chose("release", e.release) })
}

// vital is a web vital with the thresholds published at web.dev/vitals.
type vital struct {
	title, metric string
	good, poor    float64
}

var (
	lcp = vital{"LCP", "web_vital_lcp", 2500, 4000}
	inp = vital{"INP", "web_vital_inp", 200, 500}
	cls = vital{"CLS", "web_vital_cls", 0.1, 0.25}
)

func (w vital) isGood(e *event) bool     { return e.value <= w.good }
func (w vital) isPoor(e *event) bool     { return e.value > w.poor }
func (w vital) isMiddling(e *event) bool { return !w.isGood(e) && !w.isPoor(e) }

func (all events) vital(w vital) events {
	return all.where(func(e *event) bool { return e.measured && e.name == w.metric })
}

var p75 = quantile(0.75, func(e *event) float64 { return e.value })

func webVitals() expectations {
	board := expectations{}
	for _, w := range []vital{lcp, inp, cls} {
		points := func(v view) events {
			return v.vital(w).where(func(e *event) bool {
				return v.chose("device", e.labels["device"]) && v.chose("page", e.labels["page"])
			})
		}
		board[w.title+" p75"] = func(v view) any { return stat(p75(v.during(points(v)))) }
		board[w.title+" p75 per day"] = func(v view) any { return v.perDay(points(v), named("p75"), p75) }
		board[w.title+" per day: good, needs improvement, poor"] = func(v view) any {
			shown := v.perDay(points(v), named("good"), share(w.isGood))
			maps.Copy(shown, v.perDay(points(v), named("needs improvement"), share(w.isMiddling)))
			maps.Copy(shown, v.perDay(points(v), named("poor"), share(w.isPoor)))
			return shown
		}
		board[w.title+" by device and page"] = func(v view) any {
			type key struct{ device, page string }
			return perKey(v.during(points(v)), []string{"Device", "Page"},
				func(e *event) key { return key{orUnknown(e.labels["device"]), orUnknown(e.labels["page"])} },
				func(k key) []any { return []any{k.device, k.page} },
				column{"Points", events.count}, column{"p75", p75},
				column{"Good", share(w.isGood)}, column{"Needs improvement", share(w.isMiddling)}, column{"Poor", share(w.isPoor)})
		}
	}
	return board
}

var apiCalls = expectations{
	"p50 per day":        func(v view) any { return v.perDay(v.calls(), (*event).nameOrUnknown, quantile(0.5, (*event).ms)) },
	"p95 per day":        func(v view) any { return v.perDay(v.calls(), (*event).nameOrUnknown, quantile(0.95, (*event).ms)) },
	"p99 per day":        func(v view) any { return v.perDay(v.calls(), (*event).nameOrUnknown, quantile(0.99, (*event).ms)) },
	"Error rate per day": func(v view) any { return v.perDay(v.calls(), (*event).nameOrUnknown, failures) },
	"Calls per day":      func(v view) any { return v.perDay(v.calls(), (*event).nameOrUnknown, events.count) },
	"Operations": func(v view) any {
		return perKey(v.during(v.calls()), []string{"Operation"}, (*event).nameOrUnknown, cell,
			column{"Calls", events.count}, column{"Error rate", failures},
			column{"p50", quantile(0.5, (*event).ms)}, column{"p95", quantile(0.95, (*event).ms)}, column{"p99", quantile(0.99, (*event).ms)})
	},
	"Latest failed calls": func(v view) any {
		return v.traces(v.of("traces").where(func(e *event) bool { return e.failed }), 100)
	},
}

var failures = share(func(e *event) bool { return e.failed })

// calls returns the spans of the selected operations.
func (v view) calls() events {
	operation := regexp.MustCompile("^(?:" + v.chosen["operation"] + ")$")
	return v.of("traces").where(func(e *event) bool { return operation.MatchString(e.name) })
}

var session = expectations{
	"Entries": func(v view) any {
		if n := v.during(v.session()).count(); n > 0 {
			return stat(n)
		}
		return stat(math.NaN()) // the panel shows a text for it
	},
	"Errors": func(v view) any { return stat(v.during(v.session()).where((*event).severe).count()) },
	"Vitals": func(v view) any {
		vitals := v.during(v.session()).where(func(e *event) bool {
			return e.measured && strings.HasPrefix(e.name, "web_vital_")
		})
		return perKey(vitals, []string{"Vital"}, nameOf, cell, column{"Worst value", events.worst})
	},
	"What happened": func(v view) any { return v.lines(v.session(), byShownTime, 5000) },
	"Spans":         func(v view) any { return v.traces(v.session().of("traces"), 200) },
	"Latest sessions": func(v view) any {
		all := v.during(v.events).where(inSession)
		return firstOf{200, perKey(all, []string{"Session"}, sessionOf, cell, column{"Last seen", events.lastSeen})}
	},
}

// session returns the events of the selected session.
func (v view) session() events {
	return v.where(func(e *event) bool { return e.session != "" && e.session == v.chosen["session"] })
}
