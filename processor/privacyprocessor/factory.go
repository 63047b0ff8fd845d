// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package privacyprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

var componentType = component.MustNewType("privacy")

// NewFactory returns the factory of the privacy processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(componentType, createDefaultConfig,
		processor.WithLogs(createLogs, component.StabilityLevelAlpha),
		processor.WithTraces(createTraces, component.StabilityLevelAlpha),
		processor.WithMetrics(createMetrics, component.StabilityLevelAlpha),
	)
}

func createDefaultConfig() component.Config {
	return &Config{
		Rules: RulesConfig{
			Email:       true,
			JWT:         true,
			BearerToken: true,
			APIKey:      true,
			PrivateKey:  true,
			Card:        true,
			URL:         true,
			Assignment:  true,
			SecretKey:   true,
		},
		SecretKeys: []string{
			"password", "passwd", "pwd", "passphrase", "passcode", "password_confirmation",
			"secret", "token", "jwt", "authorization", "cookie", "cookies",
			"api_key", "access_key", "secret_key", "private_key", "session_key", "signing_key", "encryption_key",
			"cvv", "cvc",
		},
		URLAttributes: []string{
			"url.full", "url.original", "url.query", "url.fragment", "http.target",
			"url", "uri", "href", "referrer", "referer",
		},
		AllowedQueryParameters: []string{
			"lang", "page", "utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term",
		},
	}
}

var capabilities = processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true})

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	p, err := newPrivacy(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, p.processLogs, capabilities)
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	p, err := newPrivacy(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, p.processTraces, capabilities)
}

func createMetrics(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	p, err := newPrivacy(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, cfg, next, p.processMetrics, capabilities)
}
