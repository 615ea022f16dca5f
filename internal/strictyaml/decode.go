package strictyaml

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Decode fills the struct that v points to. Fields are named by their yaml tag,
// else by their json tag; a field without either cannot be written. Text takes any
// plain value as it is written. What the file does not say is left as it is in v,
// so defaults go in first. What is wrong is told by [Document.Err].
func (d *Document) Decode(v any) {
	if d.root != nil {
		d.top = reflect.TypeOf(v).Elem()
		d.value(nil, d.root, reflect.ValueOf(v).Elem())
	}
}

func (d *Document) value(path Path, n *yaml.Node, v reflect.Value) {
	if refused(n) {
		return
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		d.value(path, n, p.Elem())
		v.Set(p)
		return
	}
	switch {
	case n.ShortTag() == "!!null" && (v.Kind() == reflect.Struct || v.Kind() == reflect.Map || v.Kind() == reflect.Slice):
		// A section whose lines are all commented out says nothing.
	case v.Kind() == reflect.Struct:
		d.structure(path, n, v)
	case v.Kind() == reflect.Map:
		d.mapping(path, n, v)
	case v.Kind() == reflect.Slice:
		d.list(path, n, v)
	case n.Kind != yaml.ScalarNode:
		d.wrong(path, n, wanted(v.Type()))
	case n.ShortTag() == "!!null":
		d.add(path, d.at(n), "%s is empty: give it a value, or leave the key out", name(path))
	default:
		d.scalar(path, n, v)
	}
}

// refused tells whether the form of this very value was refused already.
func refused(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0
}

func (d *Document) structure(path Path, n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	if n.Kind != yaml.MappingNode {
		d.add(path, d.at(n), "%s wants keys and values, not %s; %s", name(path), got(n), DidYouMean("", keys(fields)))
		return
	}
	for i, seen := 0, map[string]bool{}; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || seen[key.Value] {
			continue // told already
		}
		seen[key.Value] = true
		at := path.Join(key.Value)
		field, known := fields[key.Value]
		if !known {
			d.add(at, d.at(key), "unknown key %s %s; %s", Clip(key.Value), path.in(), d.meant(path, key.Value, v.Type(), fields))
			if meant := Suggest(key.Value, keys(fields)); meant != "" {
				d.bad = append(d.bad, path.Join(meant)) // nor is that one missing
			}
			continue
		}
		d.value(at, n.Content[i+1], v.Field(field))
	}
}

// meant is what was probably meant by a key that is not known here: the same word
// elsewhere, which is a wrong indentation, or another word.
func (d *Document) meant(path Path, key string, t reflect.Type, fields map[string]int) string {
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if f := t.Field(fields[known]).Type; f.Kind() == reflect.Struct {
			if _, under := fieldsOf(f)[key]; under {
				return "it belongs under " + known + ": indent it below that"
			}
		}
	}
	if len(path) > 0 && d.top.Kind() == reflect.Struct {
		if _, above := fieldsOf(d.top)[key]; above {
			return "it belongs at the top level: do not indent it"
		}
	}
	return DidYouMean(key, keys(fields))
}

func (d *Document) mapping(path Path, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.wrong(path, n, "keys and values")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			continue // told already
		}
		k := reflect.ValueOf(key.Value).Convert(v.Type().Key())
		if v.MapIndex(k).IsValid() {
			continue // told already
		}
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(path.Join(key.Value), n.Content[i+1], e)
		v.SetMapIndex(k, e)
	}
}

func (d *Document) list(path Path, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.wrong(path, n, "a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.value(path.Join(i), c, v.Index(i))
	}
}

func (d *Document) scalar(path Path, n *yaml.Node, v reflect.Value) {
	plain := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch kind := v.Kind(); {
	case v.Type() == reflect.TypeFor[time.Duration]():
		t, problem := duration(n.Value)
		if problem != "" {
			d.add(path, d.at(n), "%s: %s", name(path), problem)
			return
		}
		v.SetInt(int64(t))
	case v.Type() == reflect.TypeFor[Size]():
		s, problem := size(n.Value)
		if problem != "" {
			d.add(path, d.at(n), "%s: %s", name(path), problem)
			return
		}
		v.SetInt(int64(s))
	case kind == reflect.String:
		v.SetString(n.Value)
	case kind == reflect.Bool && plain && (n.Value == "true" || n.Value == "false"):
		v.SetBool(n.Value == "true")
	case v.CanInt() && plain:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if err != nil {
			d.wrong(path, n, wanted(v.Type()))
			return
		}
		v.SetInt(i)
	case v.CanUint() && plain:
		u, err := strconv.ParseUint(n.Value, 10, v.Type().Bits())
		if err != nil {
			d.wrong(path, n, wanted(v.Type()))
			return
		}
		v.SetUint(u)
	default:
		d.wrong(path, n, wanted(v.Type()))
	}
}

// wrong reports a value of another type than wanted.
func (d *Document) wrong(path Path, n *yaml.Node, want string) {
	d.add(path, d.at(n), "%s wants %s, not %s", name(path), want, got(n))
}

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s"
	case t == reflect.TypeFor[Size]():
		return "a size such as 16MiB"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "text"
	case reflect.Zero(t).CanUint():
		return "a whole number, not below 0"
	default:
		return "a whole number"
	}
}

func got(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	default:
		return Clip(n.Value)
	}
}

// name is a path as the subject of a sentence.
func name(path Path) string {
	if len(path) == 0 {
		return "the file"
	}
	return path.String()
}

// fieldsOf maps the keys of a struct to its field numbers.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("yaml")
		if !ok {
			tag = f.Tag.Get("json")
		}
		if key, _, _ := strings.Cut(tag, ","); key != "" && key != "-" && f.IsExported() {
			fields[key] = i
		}
	}
	return fields
}

func keys(fields map[string]int) []string {
	ks := make([]string, 0, len(fields))
	for k := range fields {
		ks = append(ks, k)
	}
	return ks
}
