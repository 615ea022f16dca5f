package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/cluster"
)

// settings is exporter.yml.
type settings struct {
	Clusters   []cluster.Cluster `json:"clusters"`
	Collectors map[string]bool   `json:"collectors"`
}

func loadSettings(path string) (settings, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return settings{}, err
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	var conf settings
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&conf); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return conf, nil
}
