package repair_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/repair"
)

// FuzzDeclared: whatever a section says and whatever a label is, the step is refused, or
// what it comes to has as many arguments as were written, the same program, the same
// scheme and host, and the label nowhere but as a whole argument or part.
func FuzzDeclared(f *testing.F) {
	files, err := filepath.Glob("../docs/examples/playbooks/*.yml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	section := regexp.MustCompile(`(?ms)^    action: (exec|http)\n.*?(^  - |\z)`)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, m := range section.FindAllString(string(b), -1) {
			f.Add(strings.TrimSuffix(m, "  - "), "m1; reboot")
		}
	}
	f.Add("    action: exec\n    exec: {argv: [/bin/x, $any, $member], unless: [/bin/y, $any], env: {A: $any}}\n", "../x")
	f.Add("    action: http\n    http: {method: PUT, url: 'https://a.example/$any/x?y=$any', json: '{\"a\": [\"$any\"]}', unless: {url: 'https://a.example/$any', pointer: /a, equals: $any}}\n", "a/b?c=d#e")
	f.Fuzz(func(t *testing.T, body, label string) {
		p, err := loadDeclared("steps:\n  - name: a\n" + body)
		if err != nil {
			return
		}
		_, steps, err := p.Resolve(inventory, map[string]string{"cluster": "web", "member": "w1", "any": label})
		if err != nil {
			return
		}
		for i, s := range p.Steps {
			switch planned := steps[i]; {
			case s.Exec != nil:
				var x repair.Exec
				decode(t, planned.Declared, &x)
				commandKept(t, s.Exec.Argv, x.Argv, label)
				commandKept(t, s.Exec.Unless, x.Unless, label)
				if s.Exec.Undo != nil {
					var u repair.Exec
					decode(t, planned.Undo.Declared, &u)
					commandKept(t, s.Exec.Undo.Argv, u.Argv, label)
				}
				if x.User != s.Exec.User || !slices.Equal(x.Writable, s.Exec.Writable) || x.Network != s.Exec.Network || len(x.Env) != len(s.Exec.Env) {
					t.Errorf("%+v became %+v", s.Exec, x)
				}
			case s.HTTP != nil:
				var x repair.HTTP
				decode(t, planned.Declared, &x)
				urlKept(t, s.HTTP.URL, x.URL)
				if s.HTTP.Unless != nil {
					urlKept(t, s.HTTP.Unless.URL, x.Unless.URL)
				}
				if (s.HTTP.JSON == "") != (x.JSON == "") || x.JSON != "" && !json.Valid([]byte(x.JSON)) {
					t.Errorf("%q became %q", s.HTTP.JSON, x.JSON)
				}
			}
		}
	})
}

func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
}

// commandKept: each element is what was written, or, where that was a whole reference,
// a label's value.
func commandKept(t *testing.T, written, got []string, label string) {
	t.Helper()
	if len(written) != len(got) {
		t.Fatalf("%q became %q", written, got)
	}
	for i, w := range written {
		if strings.HasPrefix(w, "$") && w != repair.Was && i > 0 {
			if !slices.Contains([]string{"web", "w1", label}, got[i]) {
				t.Errorf("%q became %q", w, got[i])
			}
			continue
		}
		if strings.ToValidUTF8(w, "\ufffd") != got[i] { // as JSON has it
			t.Errorf("%q became %q", w, got[i])
		}
	}
}

// urlKept: the same scheme, host and number of segments and values, and nothing behind.
func urlKept(t *testing.T, written, got string) {
	t.Helper()
	a, err := url.Parse(strings.ReplaceAll(written, "$", ""))
	if err != nil {
		t.Fatal(err)
	}
	b, err := url.Parse(got)
	if err != nil {
		t.Fatalf("%q became %q: %v", written, got, err)
	}
	if a.Scheme != b.Scheme || a.Host != b.Host || b.User != nil || b.Fragment != "" ||
		strings.Count(a.EscapedPath(), "/") != strings.Count(b.EscapedPath(), "/") || strings.Count(a.RawQuery, "&") != strings.Count(b.RawQuery, "&") || strings.Count(a.RawQuery, "=") > strings.Count(b.RawQuery, "=") {
		t.Errorf("%q became %q", written, got)
	}
	for s := range strings.SplitSeq(b.EscapedPath(), "/") {
		if plain, err := url.PathUnescape(s); err != nil || plain == "." || plain == ".." {
			t.Errorf("%q became %q", written, got)
		}
	}
}
