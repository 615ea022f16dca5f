package main

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// conforms reads a dashboard back by Grafana's schema, as the SDK has it: a field that it
// does not know, of the dashboard or of the options of any kind of panel, is an error, and
// so is a value that it does not allow.
func conforms(content []byte) error {
	var doc map[string]any
	if err := json.Unmarshal(content, &doc); err != nil {
		return err
	}
	if err := withoutLooks(doc); err != nil {
		return err
	}
	known, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	plugins.RegisterDefaultPlugins()
	var d dashboard.Dashboard
	if err := d.UnmarshalJSONStrict(known); err != nil {
		return fmt.Errorf("it is not as Grafana's schema has it: %w", err)
	}
	if err := d.Validate(); err != nil {
		return fmt.Errorf("it has a value that Grafana's schema does not allow: %w", err)
	}
	return nil
}

// withoutLooks takes out what Grafana's Prometheus reads of an annotation, and its schema
// leaves open.
func withoutLooks(doc map[string]any) error {
	annotations, ok := doc["annotations"].(map[string]any)
	if !ok {
		return fmt.Errorf("it has no annotations")
	}
	list, ok := annotations["list"].([]any)
	if !ok {
		return fmt.Errorf("its annotations are no list")
	}
	for _, one := range list {
		if a, ok := one.(map[string]any); ok {
			for _, look := range []string{"step", "titleFormat", "textFormat", "tagKeys", "useValueForTime"} {
				delete(a, look)
			}
		}
	}
	return nil
}
