// Package schema makes JSON Schemas from the structs that files and answers are read
// into: what an editor knows of fettle.yml, and what the API's description says, are
// generated from the code, and a test holds the published ones to it.
//
// A [Generator] goes through a type by reflection and takes the descriptions from the
// comments in the source. What neither says (a pattern, the words of an enumeration) is
// a [Rule]. The forms that are published stand in forms.go.
package schema

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Schema is a JSON Schema (2020-12), with the keywords that are used here.
type Schema struct {
	Schema      string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type,omitempty"` // a string, or several
	Format      string             `json:"format,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	// AdditionalProperties is false, or a *Schema.
	AdditionalProperties any                `json:"additionalProperties,omitempty"`
	PropertyNames        *Schema            `json:"propertyNames,omitempty"`
	AnyOf                []*Schema          `json:"anyOf,omitempty"`
	OneOf                []*Schema          `json:"oneOf,omitempty"`
	Defs                 map[string]*Schema `json:"$defs,omitempty"`
}

// Rule is what a type does not say of a value: of a field, named as package.Type.Field,
// or of every value of a type, named as package.Type.
type Rule struct {
	Description string // instead of the comment's
	Enum        []string
	Pattern     string // anchored
	Minimum     *int64
	Maximum     *int64
	MinItems    int
	MaxItems    int
	// Keys is the pattern of a map's keys.
	Keys string
	// Required fields of a type, by their names in the file; Exactly names those of
	// which one has to be there and no other.
	Required []string
	Exactly  []string
	// Values are the rules of what a map or list holds.
	Values *Rule
}

// Generator makes schemas.
type Generator struct {
	// Comments are the descriptions, by package.Type and package.Type.Field.
	Comments map[string]string
	Rules    map[string]Rule
	// Types are schemas of whole types, by package.Type.
	Types map[string]*Schema
	// YAML is for files that people write: a text may look like a number, a section may
	// be empty, and no key is unknown. Without it, it is for JSON that a program writes.
	YAML bool
	// Refs is where definitions are, as "#/$defs/".
	Refs string

	defs map[string]*Schema
}

// Of makes the schema of a type, with those of the types that it has.
func (g *Generator) Of(t reflect.Type) *Schema {
	g.defs = map[string]*Schema{}
	top := g.structure(t)
	top.Defs = g.defs
	return top
}

// Definitions makes the schemas of types by their names, with those that they have.
func (g *Generator) Definitions(types ...reflect.Type) map[string]*Schema {
	g.defs = map[string]*Schema{}
	for _, t := range types {
		g.value(t, Rule{})
	}
	return g.defs
}

// Name is what the definition of a type is called.
func Name(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	name := strings.TrimSuffix(t.Name(), "YAML")
	return strings.ToUpper(name[:1]) + name[1:]
}

func (g *Generator) value(t reflect.Type, r Rule) *Schema {
	if t.Kind() == reflect.Pointer {
		return g.value(t.Elem(), r)
	}
	if s, ok := g.Types[full(t)]; ok {
		s := *s
		s.Description = or(r.Description, s.Description)
		return &s
	}
	r = merge(g.Rules[full(t)], r)
	s := &Schema{Description: r.Description, Pattern: r.Pattern, Minimum: r.Minimum, Maximum: r.Maximum, MinItems: r.MinItems, MaxItems: r.MaxItems}
	for _, e := range r.Enum {
		s.Enum = append(s.Enum, e)
	}
	switch t.Kind() {
	case reflect.Struct:
		return g.reference(t, r)
	case reflect.Map:
		s.Type = g.orNull("object")
		values := Rule{}
		if r.Values != nil {
			values = *r.Values
		}
		s.AdditionalProperties = g.value(t.Elem(), values)
		if keys := or(r.Keys, g.Rules[full(t.Key())].Pattern); keys != "" {
			s.PropertyNames = &Schema{Pattern: keys}
		} else if words := g.Rules[full(t.Key())].Enum; len(words) > 0 {
			s.PropertyNames = &Schema{}
			for _, w := range words {
				s.PropertyNames.Enum = append(s.PropertyNames.Enum, w)
			}
		}
	case reflect.Slice:
		s.Type = g.orNull("array")
		values := Rule{}
		if r.Values != nil {
			values = *r.Values
		}
		s.Items = g.value(t.Elem(), values)
	case reflect.Bool:
		s.Type = "boolean"
	case reflect.Float64:
		s.Type = "number"
	case reflect.Interface:
	case reflect.String:
		s.Type = "string"
		if g.YAML && len(s.Enum) == 0 {
			s.Type = g.text(s.Pattern)
		}
	default:
		s.Type = "integer"
		if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 && s.Minimum == nil {
			s.Minimum = new(int64)
		}
	}
	return s
}

// text is what YAML may take a text for, which is taken as it is written.
func (g *Generator) text(pattern string) any {
	fits := func(s string) bool {
		found, err := regexp.MatchString(pattern, s)
		return err == nil && found
	}
	types := []string{"string"}
	if fits("1") {
		types = append(types, "number")
	}
	if fits("true") {
		types = append(types, "boolean")
	}
	if len(types) == 1 {
		return types[0]
	}
	return types
}

// reference is a struct by its name.
func (g *Generator) reference(t reflect.Type, r Rule) *Schema {
	if t.Name() == "" {
		s := g.structure(t)
		s.Description = or(r.Description, s.Description)
		return s
	}
	name := Name(t)
	if _, there := g.defs[name]; !there {
		g.defs[name] = nil // it may have itself
		g.defs[name] = g.structure(t)
	}
	s := &Schema{Ref: g.Refs + name}
	if g.YAML { // beside a reference OpenAPI 3.0 takes no description
		s.Description = r.Description
	}
	return s
}

func (g *Generator) structure(t reflect.Type) *Schema {
	rule := g.Rules[full(t)]
	s := &Schema{Type: g.orNull("object"), Description: or(rule.Description, g.Comments[full(t)]), Properties: map[string]*Schema{}, Required: rule.Required}
	if g.YAML {
		s.AdditionalProperties = false
	}
	g.fields(t, s)
	for _, key := range rule.Exactly {
		s.OneOf = append(s.OneOf, &Schema{Required: []string{key}})
	}
	slices.Sort(s.Required)
	return s
}

func (g *Generator) fields(t reflect.Type, s *Schema) {
	for f := range fields(t) {
		if f.Anonymous && f.Tag == "" {
			g.fields(f.Type, s)
			continue
		}
		key, rest := tag(f)
		if key == "" {
			continue
		}
		of := full(t) + "." + f.Name
		r := g.Rules[of]
		r.Description = or(r.Description, g.Comments[of])
		s.Properties[key] = g.value(f.Type, r)
		if !g.YAML && !strings.Contains(rest, "omit") {
			s.Required = append(s.Required, key)
		}
	}
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); (f.IsExported() || f.Anonymous) && !yield(f) {
				return
			}
		}
	}
}

// tag is a field's name in the file, as internal/strictyaml finds it; empty: it has none.
func tag(f reflect.StructField) (key, rest string) {
	text, ok := f.Tag.Lookup("yaml")
	if !ok {
		text = f.Tag.Get("json")
	}
	if key, rest, _ = strings.Cut(text, ","); key == "-" {
		return "", ""
	}
	return key, rest
}

func (g *Generator) orNull(kind string) any {
	if g.YAML {
		return []string{kind, "null"} // a section whose lines are all commented out
	}
	return kind
}

// full is package.Type.
func full(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	return t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + "." + t.Name()
}

// merge is a type's rule with the field's over it.
func merge(of, over Rule) Rule {
	of.Description = over.Description // the type's own is with its definition
	if over.Enum != nil {
		of.Enum = over.Enum
	}
	of.Pattern, of.Keys = or(over.Pattern, of.Pattern), or(over.Keys, of.Keys)
	if over.Minimum != nil {
		of.Minimum = over.Minimum
	}
	if over.Maximum != nil {
		of.Maximum = over.Maximum
	}
	of.MinItems, of.MaxItems = max(of.MinItems, over.MinItems), max(of.MaxItems, over.MaxItems)
	if over.Values != nil {
		of.Values = over.Values
	}
	return of
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// Bytes is the schema as it is published.
func (s *Schema) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// Duration is how a duration is written in a file, and Size a number of bytes.
func Duration() *Schema {
	return &Schema{AnyOf: []*Schema{
		{Type: "string", Pattern: `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w|y))+)$`},
		{Type: "integer", Enum: []any{0}},
	}}
}

// Size is how a number of bytes is written in a file.
func Size() *Schema { return &Schema{Type: "string", Pattern: `^[0-9]+(B|KiB|MiB|GiB)$`} }

// Time is an instant, as JSON has it.
func Time() *Schema { return &Schema{Type: "string", Format: "date-time"} }

// durationName is what the type of a duration is called.
func durationName() string { return full(reflect.TypeFor[time.Duration]()) }
