package rules

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed thresholds.yml
var thresholds []byte

// Threshold is a number that rules compare with, or a time for which they do. It
// stands in thresholds.yml once; rules, dashboards and docs take it from there.
type Threshold struct {
	Name  string `yaml:"-" json:"name"`
	Value string `yaml:"value" json:"value"` // a number, or a duration such as 5m
	// Unit is what it counts: ratio, seconds, bytes, entries, per_second, count, time.
	Unit string `yaml:"unit" json:"unit"`
	// Series are the metrics that it is compared with.
	Series []string `yaml:"series" json:"series"`
	Why    string   `yaml:"why" json:"why"`
}

// A number is compared with, a duration is waited for.
var (
	thresholdName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,63}$`)
	placeholder   = regexp.MustCompile(`\$\{([a-z0-9_]+)(:percent)?\}`)
	duration      = regexp.MustCompile(`^([0-9]+(ms|s|m|h|d|w))+$`)
)

// Thresholds are those of the shipped rules, in order.
func Thresholds() ([]Threshold, error) {
	var doc struct {
		Thresholds yaml.Node `yaml:"thresholds"`
	}
	if err := yaml.Unmarshal(thresholds, &doc); err != nil {
		return nil, fmt.Errorf("thresholds.yml: %w", err)
	}
	var all []Threshold
	for i := 0; i+1 < len(doc.Thresholds.Content); i += 2 {
		key := doc.Thresholds.Content[i]
		t := Threshold{Name: key.Value}
		if err := doc.Thresholds.Content[i+1].Decode(&t); err != nil {
			return nil, fmt.Errorf("thresholds.yml:%d:%d: %s: %w", key.Line, key.Column, key.Value, err)
		}
		if !thresholdName.MatchString(t.Name) || !fits(t.Value) {
			return nil, fmt.Errorf("thresholds.yml:%d:%d: %s is not a name with a number or a duration", key.Line, key.Column, key.Value)
		}
		all = append(all, t)
	}
	return all, nil
}

// fits tells that a value is a number or a duration as Prometheus writes them.
func fits(value string) bool {
	n, err := strconv.ParseFloat(value, 64)
	return err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) && !strings.ContainsAny(value, "xX_ ") || duration.MatchString(value)
}

// Override reads a person's own thresholds: `NAME: VALUE` for each that is to be
// another one, from a file whose name errors begin with. A name that there is not, and
// a duration in place of a number, are errors with their place.
func Override(file string, content []byte) (map[string]string, error) {
	shipped, err := Thresholds()
	if err != nil {
		return nil, err
	}
	known := map[string]Threshold{}
	for _, t := range shipped {
		known[t.Name] = t
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	own := map[string]string{}
	if len(doc.Content) == 0 {
		return own, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d:%d: want a line NAME: VALUE for each threshold", file, root.Line, root.Column)
	}
	var errs []error
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		at := fmt.Sprintf("%s:%d:%d", file, key.Line, key.Column)
		t, there := known[key.Value]
		_, twice := own[key.Value]
		switch {
		case !there:
			errs = append(errs, fmt.Errorf("%s: there is no threshold %.64q: `fettle rules` lists them", at, key.Value))
		case twice:
			errs = append(errs, fmt.Errorf("%s: %s stands there twice", at, key.Value))
		case value.Kind != yaml.ScalarNode || !fits(value.Value) || duration.MatchString(t.Value) != duration.MatchString(value.Value):
			errs = append(errs, fmt.Errorf("%s: %s: want %s, as the shipped %s is", at, key.Value, form(t.Value), t.Value))
		default:
			own[key.Value] = value.Value
		}
	}
	return own, errors.Join(errs...)
}

func form(value string) string {
	if duration.MatchString(value) {
		return "a duration"
	}
	return "a number"
}

// Render returns the rule files by name, with the thresholds in their places: own
// where it has one, those of thresholds.yml otherwise.
func Render(own map[string]string) (map[string][]byte, error) { return render(sources, own) }

func render(from fs.FS, own map[string]string) (map[string][]byte, error) {
	shipped, err := Thresholds()
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, t := range shipped {
		values[t.Name] = t.Value
	}
	maps.Copy(values, own)
	names, err := fs.Glob(from, "source/*.rules.yml")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range names {
		content, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		var unknown []string
		files[path.Base(name)] = placeholder.ReplaceAllFunc(content, func(found []byte) []byte {
			m := placeholder.FindSubmatch(found)
			value, ok := values[string(m[1])]
			if !ok {
				unknown = append(unknown, string(m[1]))
			}
			if len(m[2]) > 0 {
				value = percent(value)
			}
			return []byte(value)
		})
		if len(unknown) > 0 {
			slices.Sort(unknown)
			return nil, fmt.Errorf("%s: thresholds.yml has no %s", name, strings.Join(slices.Compact(unknown), ", "))
		}
	}
	return files, nil
}

// percent is a ratio for people: 0.85 is 85%.
func percent(value string) string {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return value
	}
	return strconv.FormatFloat(math.Round(n*1e6)/1e4, 'f', -1, 64) + "%"
}

// Seconds is a threshold's value as a number: of a duration, its seconds.
func (t Threshold) Seconds() (float64, error) {
	if !duration.MatchString(t.Value) {
		return strconv.ParseFloat(t.Value, 64)
	}
	total, text := 0.0, t.Value
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	for _, part := range regexp.MustCompile(`([0-9]+)(ms|s|m|h|d|w)`).FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, err
		}
		total += n * units[part[2]].Seconds()
	}
	return total, nil
}
