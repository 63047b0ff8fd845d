// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

var _ confmap.Unmarshaler = (*Config)(nil)

// Unmarshal implements confmap.Unmarshaler. It refuses keys that there are not:
// confmap does so for most, but not next to a squashed struct that decodes
// itself, as confighttp's does.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	known := configKeys(reflect.TypeFor[Config]())
	var unknown []string
	for key := range conf.ToStringMap() {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("invalid keys: %s", strings.Join(unknown, ", "))
	}
	return conf.Unmarshal(c)
}

// configKeys are the keys of a configuration struct, with those of the structs
// squashed into it.
func configKeys(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get(confmap.MapstructureTag), ",")
		switch {
		case options == "squash":
			keys = append(keys, configKeys(field.Type)...)
		case name != "":
			keys = append(keys, name)
		}
	}
	return keys
}
