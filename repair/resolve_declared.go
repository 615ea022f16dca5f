package repair

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fettle-io/fettle/internal/strictyaml"
)

// planned is the step with the labels' values in it. The error is about a value that
// fits its type and cannot stand where the step puts it.
func (s Step) planned(of func(Value) string) (PlannedStep, error) {
	p := PlannedStep{Name: s.Name, Action: s.Action, Once: s.Once}
	for name, v := range s.With {
		p.With = set(p.With, name, of(v))
	}
	r := &filling{of: of}
	switch {
	case s.Exec != nil:
		x := r.exec(*s.Exec)
		if x.Undo != nil {
			p.Undo = &PlannedUndo{Declared: pack(x.undone()), OnFailure: x.Undo.OnFailure, Unhealthy: x.Undo.Unhealthy}
			x.Was, x.Undo = x.Undo.Was, nil
		}
		p.Declared = pack(x)
	case s.HTTP != nil:
		x := r.http(*s.HTTP)
		if x.Undo != nil {
			p.Undo = &PlannedUndo{Declared: pack(x.undone()), OnFailure: x.Undo.OnFailure, Unhealthy: x.Undo.Unhealthy}
			x.Was, x.Undo = x.Undo.Was, nil
		}
		p.Declared = pack(x)
	}
	return p, r.err
}

// labels are those that the step reads, with repeats.
func (s Step) labels() []string {
	var names []string
	for _, v := range s.With {
		if v.Label != "" {
			names = append(names, v.Label)
		}
	}
	r := &filling{names: func(name string) { names = append(names, name) }}
	if s.Exec != nil {
		r.exec(*s.Exec)
	}
	if s.HTTP != nil {
		r.http(*s.HTTP)
	}
	return names
}

// filling puts labels into one declaration. The loader has seen to it that a dollar
// sign begins a whole reference, or stands nowhere.
type filling struct {
	of    func(Value) string
	names func(label string) // instead of of: only tell which labels there are
	err   error              // the first
}

// text is a literal, or a label's value. A value that begins with a dollar sign would
// read as a reference in what is planned.
func (r *filling) text(s string) string {
	name, ref := strings.CutPrefix(s, "$")
	if !ref || s == Was {
		return s
	}
	if r.names != nil {
		r.names(name)
		return s
	}
	v := r.of(Value{Label: name})
	if strings.HasPrefix(v, "$") {
		r.refuse(name, v, "begins with a dollar sign")
	}
	return v
}

func (r *filling) refuse(label, value, why string) {
	if r.err == nil {
		r.err = fmt.Errorf("label %q of the alert: %s %s", label, strictyaml.Clip(value), why)
	}
}

func (r *filling) list(all []string) []string {
	out := slices.Clone(all)
	for i, s := range all {
		if out[i] = r.text(s); out[i] != s && r.err == nil {
			if err := Fits(all, out[i]); err != nil {
				r.err = fmt.Errorf("label %q of the alert: %w", s[1:], err)
			}
		}
	}
	return out
}

// word is a text that no shell takes for more than one word, nor expands.
var word = regexp.MustCompile(`^[\pL\pN_.:@%+,=/-]+$`)

// Fits tells why a value from outside cannot be an argument of a command: ssh joins
// its arguments to one text, and a shell on the other side reads that.
func Fits(argv []string, value string) error {
	if slices.ContainsFunc(argv, func(s string) bool { return path.Base(s) == "ssh" }) && !word.MatchString(value) {
		return fmt.Errorf("%s would reach a shell on the other side of ssh: only letters, digits and _.:@%%+,=/- may", strictyaml.Clip(value))
	}
	return nil
}

func (r *filling) texts(all map[string]string) map[string]string {
	out := maps.Clone(all)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out[name] = r.text(all[name])
	}
	return out
}

func (r *filling) exec(x Exec) Exec {
	x.Argv, x.Unless, x.Env = r.list(x.Argv), r.list(x.Unless), r.texts(x.Env)
	if x.Undo != nil {
		u := *x.Undo
		u.Argv, u.Unless, u.Was = r.list(u.Argv), r.list(u.Unless), r.list(u.Was)
		x.Undo = &u
	}
	return x
}

func (r *filling) http(x HTTP) HTTP {
	x.URL, x.JSON, x.Unless = r.url(x.URL), r.json(x.JSON), r.look(x.Unless)
	if x.Undo != nil {
		u := *x.Undo
		u.URL, u.JSON, u.Unless, u.Was = r.url(u.URL), r.json(u.JSON), r.look(u.Unless), r.look(u.Was)
		x.Undo = &u
	}
	return x
}

func (r *filling) look(l *HTTPLook) *HTTPLook {
	if l == nil {
		return nil
	}
	out := *l
	out.URL = r.url(l.URL)
	if l.Equals != nil {
		v := r.text(*l.Equals)
		out.Equals = &v
	}
	return &out
}

// url puts labels where whole segments of the path and whole values of the query are
// references. A value that a server could take for more than one segment, or for
// another one, is refused.
func (r *filling) url(raw string) string {
	base, path, query := splitURL(raw)
	segments := strings.Split(path, "/")
	for i, s := range segments {
		name, ref := strings.CutPrefix(s, "$")
		v := r.text(s)
		if !ref || r.names != nil {
			continue
		}
		if v == "." || v == ".." || strings.ContainsAny(v, `/\`) {
			r.refuse(name, v, "is no single segment of a path")
		}
		segments[i] = url.PathEscape(v)
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, s, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(s, "$") {
			continue
		}
		if v := r.text(s); r.names == nil {
			pairs[i] = key + "=" + url.QueryEscape(v)
		}
	}
	out := base + strings.Join(segments, "/")
	if query != "" {
		out += "?" + strings.Join(pairs, "&")
	}
	return out
}

// splitURL cuts a URL into scheme with host, path, and query without its question mark.
func splitURL(raw string) (base, path, query string) {
	raw, query, _ = strings.Cut(raw, "?")
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw, "", query
	}
	host, path, ok := strings.Cut(rest, "/")
	if ok {
		path = "/" + path
	}
	return scheme + "://" + host, path, query
}

// json puts labels where whole string values are references.
func (r *filling) json(text string) string {
	if text == "" {
		return ""
	}
	filled, err := fillJSON(text, r.text)
	if err != nil && r.err == nil {
		r.err = err
	}
	return filled
}

// fillJSON rewrites the strings that are values of a JSON text, and nothing else of it.
func fillJSON(text string, of func(string) string) (string, error) {
	dec := jsontext.NewDecoder(strings.NewReader(text))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	for begun, depth := false, 0; ; {
		value, err := dec.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && !begun:
			return "", errors.New("there is no value")
		case errors.Is(err, io.EOF):
			return strings.TrimSuffix(out.String(), "\n"), nil
		case err != nil:
			return "", err
		case begun && depth == 0:
			return "", errors.New("a second value begins after the first")
		}
		begun, depth = true, dec.StackDepth()
		if kind, length := dec.StackIndex(dec.StackDepth()); value.Kind() == '"' && (kind != '{' || length%2 == 0) {
			value = jsontext.String(of(value.String()))
		}
		if err := enc.WriteToken(value); err != nil {
			return "", err
		}
	}
}

// FillWas puts the old value where a text is Was.
func FillWas(text, was string) string {
	if text == Was {
		return was
	}
	return text
}

// FillWasJSON does that in a JSON text.
func FillWasJSON(text, was string) (string, error) {
	return fillJSON(text, func(s string) string { return FillWas(s, was) })
}
