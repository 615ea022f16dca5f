package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// LoadWith is Load with settings instead of those in the file, for a configuration that
// is only tried: each is a name and a value. The name is autonomy (for everything), one
// of [Numbers] (for everything), or a path with dots. orDefault lets the file be missing.
func LoadWith(path string, orDefault bool, settings [][2]string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil && (!orDefault || !errors.Is(err, fs.ErrNotExist)) {
		return Config{}, err
	}
	if len(settings) == 0 && err == nil {
		return Load(path)
	}
	var file yaml.Node
	if err := yaml.Unmarshal(data, &file); err != nil || len(file.Content) == 0 || file.Content[0].Kind != yaml.MappingNode {
		if len(data) > 0 {
			return Parse(path, data) // which says what is wrong
		}
		file = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	top := file.Content[0]
	for _, s := range settings {
		if err := set(top, s[0], s[1]); err != nil {
			return Config{}, err
		}
	}
	if child(top, "web") == nil && slices.ContainsFunc(settings, func(s [2]string) bool { return strings.HasPrefix(s[0], "autonomy") }) {
		// Nobody talks to a configuration that is only tried.
		put(top, "web", &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "roles"}, {Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{
				{Kind: yaml.MappingNode, Content: []*yaml.Node{
					{Kind: yaml.ScalarNode, Value: "role"}, {Kind: yaml.ScalarNode, Value: "operator"},
					{Kind: yaml.ScalarNode, Value: "certificate_name"}, {Kind: yaml.ScalarNode, Value: "nobody"},
				}},
			}},
		}})
	}
	out, err := yaml.Marshal(&file)
	if err != nil {
		return Config{}, fmt.Errorf("%s with what was set: %w", path, err)
	}
	return Parse(path+" with what was set", out)
}

// set puts one setting in place.
func set(top *yaml.Node, name, value string) error {
	path := strings.Split(name, ".")
	switch {
	case name == "autonomy":
		put(top, "autonomy", &yaml.Node{Kind: yaml.MappingNode}) // nothing more specific is left
		path = []string{"autonomy", "default"}
	case len(path) == 1 && slices.ContainsFunc(Numbers(), func(n Number) bool { return n.Key == name }):
		path = []string{"overrides", "all", name}
	case len(path) == 1:
		return fmt.Errorf("%s is no setting that can be set so: autonomy, one of the engine's numbers (docs/configuration.md), or a path such as overrides.clusters.main.cooldown", name)
	}
	at := top
	for _, key := range path[:len(path)-1] {
		next := child(at, key)
		if next == nil || next.Kind != yaml.MappingNode {
			next = &yaml.Node{Kind: yaml.MappingNode}
			put(at, key, next)
		}
		at = next
	}
	put(at, path[len(path)-1], &yaml.Node{Kind: yaml.ScalarNode, Value: value})
	return nil
}

// child is a mapping's value; nil: it has none of that name.
func child(of *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(of.Content); i += 2 {
		if of.Content[i].Value == key {
			return of.Content[i+1]
		}
	}
	return nil
}

// put sets a mapping's value.
func put(of *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(of.Content); i += 2 {
		if of.Content[i].Value == key {
			of.Content[i+1] = value
			return
		}
	}
	of.Content = append(of.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}
