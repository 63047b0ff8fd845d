// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// noRecordedValue is set on a data point without a value.
var noRecordedValue = pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)

// readMetric reads an entry into metric, which must be empty. The metric
// becomes a gauge with one data point.
func (r *fieldReader) readMetric(metric pmetric.Metric) error {
	point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
	point.SetFlags(noRecordedValue)
	var ts pcommon.Timestamp
	err := r.entry(func(name string) (_ bool, err error) {
		switch name {
		case memberTimestamp:
			ts, err = r.readTimestamp()
		case memberName:
			name, err := r.readName()
			metric.SetName(name)
			return true, err
		case memberValue:
			err = r.readMeasurement(point)
		case memberLabels:
			err = r.readAttributes(attrMember + memberLabels)
		default:
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return err
	}
	point.SetTimestamp(r.standIn(ts))
	r.finish(point.Attributes())
	return nil
}

// readMeasurement reads the value of a data point.
func (r *fieldReader) readMeasurement(point pmetric.NumberDataPoint) error {
	const attribute = attrMember + memberValue
	if err := r.first(seenValue); err != nil {
		return err
	}
	if r.dec.PeekKind() == '0' {
		lit, err := r.literal()
		if err != nil {
			return err
		}
		f, err := strconv.ParseFloat(lit, 64)
		if err != nil {
			return r.outOfRange()
		}
		point.SetDoubleValue(f)
		point.SetFlags(pmetric.DefaultDataPointFlags)
		if strings.ContainsAny(lit, ".eE") || exactly(f, lit) {
			return nil
		}
		return r.number(lit, r.attribute(attribute))
	}
	v := r.attribute(attribute)
	if err := r.value(v); err != nil {
		return err
	}
	if f, ok := measurementIn(v); ok {
		point.SetDoubleValue(f)
		point.SetFlags(pmetric.DefaultDataPointFlags)
	}
	return nil
}

// measurementIn returns the double for a kept value: a string that holds a
// number, or an integer that a double cannot represent exactly.
func measurementIn(v pcommon.Value) (float64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return numberIn(v.Str())
	case pcommon.ValueTypeInt:
		return float64(v.Int()), true
	case pcommon.ValueTypeBytes:
		return numberIn(string(v.Bytes().AsRaw()))
	default:
		return 0, false
	}
}

// metricMember reports whether readMetric handles a member.
func metricMember(name string) bool {
	switch name {
	case memberTimestamp, memberName, memberValue, memberLabels:
		return true
	}
	return commonMember(name)
}

// writeMetric writes metric as an entry, without the end of the line. The entry
// of a metric other than a gauge with one data point has only a name.
func (w *fieldWriter) writeMetric(metric pmetric.Metric) {
	point, ok := soleGaugePoint(metric)
	if !ok {
		w.begin(pcommon.NewMap())
		w.receipt(w.own.receivedAt, false)
		w.check(false)
		w.name(metric.Name())
		return
	}
	w.begin(point.Attributes())
	w.receipt(w.own.receivedAt, w.own.hasReceivedAt)
	w.check(!w.own.noDuration)

	w.timestamp(point.Timestamp(), w.receivedAt)
	w.name(metric.Name())
	w.measurement(point)
	w.attributes(memberLabels, point.Attributes())
	w.promoted()
	w.unknown(metricMember)

	w.check(metric.Description() == "" && metric.Unit() == "" && metric.Metadata().Len() == 0 &&
		point.StartTimestamp() == 0 && point.Exemplars().Len() == 0)
}

func soleGaugePoint(metric pmetric.Metric) (pmetric.NumberDataPoint, bool) {
	if metric.Type() != pmetric.MetricTypeGauge || metric.Gauge().DataPoints().Len() != 1 {
		return pmetric.NumberDataPoint{}, false
	}
	return metric.Gauge().DataPoints().At(0), true
}

// measurement writes the value of a data point.
func (w *fieldWriter) measurement(point pmetric.NumberDataPoint) {
	isDouble := point.ValueType() == pmetric.NumberDataPointValueTypeDouble && point.Flags() == pmetric.DefaultDataPointFlags
	if kept, ok := w.kept(memberValue); ok {
		f, recorded := measurementIn(kept)
		if recorded {
			w.check(isDouble && point.DoubleValue() == f && keepsMeasurement(kept, f))
		} else {
			w.check(point.ValueType() == pmetric.NumberDataPointValueTypeEmpty && point.Flags() == noRecordedValue &&
				kept.Type() != pcommon.ValueTypeDouble)
		}
		w.member(memberValue)
		w.value(kept)
		return
	}
	switch point.ValueType() {
	case pmetric.NumberDataPointValueTypeEmpty:
		w.check(point.Flags() == noRecordedValue)
	case pmetric.NumberDataPointValueTypeInt:
		w.check(false)
		w.member(memberValue)
		w.buf = strconv.AppendInt(w.buf, point.IntValue(), 10)
	default:
		w.check(isDouble)
		if finite(point.DoubleValue()) {
			w.member(memberValue)
			// value is always read as a double and needs no ".0".
			w.buf = appendDouble(w.buf, point.DoubleValue())
		} else {
			w.check(false)
		}
	}
}

// keepsMeasurement reports whether readMetric keeps a value in addition to its
// double f.
func keepsMeasurement(kept pcommon.Value, f float64) bool {
	switch kept.Type() {
	case pcommon.ValueTypeInt:
		return !exactly(f, strconv.FormatInt(kept.Int(), 10))
	case pcommon.ValueTypeBytes:
		return bigInteger(kept.Bytes().AsRaw())
	default:
		return true
	}
}
