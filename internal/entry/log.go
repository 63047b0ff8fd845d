// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"math"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// severityOf returns the severity number of a level, or 0 if it has none.
// https://opentelemetry.io/docs/specs/otel/logs/data-model/#mapping-of-severitynumber
func severityOf(level string) plog.SeverityNumber {
	switch strings.ToLower(level) {
	case "trace":
		return plog.SeverityNumberTrace
	case "debug":
		return plog.SeverityNumberDebug
	case "info", "log":
		return plog.SeverityNumberInfo
	case "warn", "warning":
		return plog.SeverityNumberWarn
	case "error":
		return plog.SeverityNumberError
	case "fatal", "critical":
		return plog.SeverityNumberFatal
	default:
		return plog.SeverityNumberUnspecified
	}
}

// readLog reads an entry into rec, which must be empty.
func (r *fieldReader) readLog(rec plog.LogRecord) error {
	err := r.entry(func(name string) (bool, error) {
		switch name {
		case memberTimestamp:
			ts, err := r.readTimestamp()
			rec.SetTimestamp(ts)
			return true, err
		case memberLevel:
			level, ok, err := r.readString(seenLevel, attrMember+memberLevel)
			if ok && level == "" {
				r.keepString(attrMember+memberLevel, "")
			}
			rec.SetSeverityText(level)
			rec.SetSeverityNumber(severityOf(level))
			return true, err
		case memberMessage:
			if err := r.first(seenMessage); err != nil {
				return true, err
			}
			if r.dec.PeekKind() == 'n' {
				return true, r.keep(attrMember + memberMessage)
			}
			return true, r.value(rec.Body())
		case memberContext:
			return true, r.readAttributes(attrMember + memberContext)
		default:
			return false, nil
		}
	})
	if err != nil {
		return err
	}
	rec.SetObservedTimestamp(r.receivedAt)
	r.finish(rec.Attributes())
	return nil
}

// logMember reports whether readLog handles a member.
func logMember(name string) bool {
	switch name {
	case memberTimestamp, memberLevel, memberMessage, memberContext:
		return true
	}
	return commonMember(name)
}

// writeLog writes rec as an entry, without the end of the line.
func (w *fieldWriter) writeLog(rec plog.LogRecord) {
	w.begin(rec.Attributes())
	w.receipt(w.observed(rec.ObservedTimestamp()))
	// Log records have a field for received_at.
	w.check(!w.own.hasReceivedAt && !w.own.noTimestamp && !w.own.noDuration)

	w.timestamp(rec.Timestamp(), 0)
	w.level(rec)
	w.message(rec.Body())
	w.attributes(memberContext, rec.Attributes())
	w.promoted()
	w.unknown(logMember)

	w.check(rec.TraceID().IsEmpty() && rec.SpanID().IsEmpty() && rec.Flags() == 0 &&
		rec.DroppedAttributesCount() == 0 && rec.EventName() == "")
}

// observed returns the observed timestamp as received_at, if it can be that.
// An OTLP sender sets it by its own clock, and a clock that is ahead must not
// create a day file for a future day. Whole seconds were set by the saberloop
// receiver, and are used even if the clock of the server was set back since.
func (w *fieldWriter) observed(at pcommon.Timestamp) (pcommon.Timestamp, bool) {
	if at > w.now && at%pcommon.Timestamp(time.Second) != 0 || at > math.MaxInt64 {
		w.check(false)
		return 0, false
	}
	return at, at != 0
}

func (w *fieldWriter) level(rec plog.LogRecord) {
	text := rec.SeverityText()
	if kept, ok := w.kept(memberLevel); ok {
		w.check(text == "" && (kept.Type() != pcommon.ValueTypeStr || kept.Str() == ""))
		w.member(memberLevel)
		w.value(kept)
	} else if text != "" {
		w.member(memberLevel)
		w.string(text)
	}
	w.check(rec.SeverityNumber() == severityOf(text))
}

func (w *fieldWriter) message(body pcommon.Value) {
	if kept, ok := w.kept(memberMessage); ok {
		w.check(kept.Type() == pcommon.ValueTypeEmpty && body.Type() == pcommon.ValueTypeEmpty)
		if body.Type() == pcommon.ValueTypeEmpty {
			body = kept
		}
	} else if body.Type() == pcommon.ValueTypeEmpty {
		return
	}
	w.member(memberMessage)
	w.value(body)
}

// commonMember reports whether a member is common to all signals.
func commonMember(name string) bool {
	switch name {
	case memberSessionID, memberURL, memberUserAgent, memberReceivedAt:
		return true
	}
	return false
}
