package strictyaml

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

type leaf struct {
	Cooldown *time.Duration `yaml:"cooldown"`
	Settle   time.Duration  `yaml:"settle"`
	Attempts int            `yaml:"attempts"`
	Lag      uint64         `json:"lag,omitempty"`
	Body     Size           `yaml:"body"`
	On       bool           `yaml:"on"`
	hidden   string         //nolint:unused // shows that it cannot be written
}

type tree struct {
	Name   string            `yaml:"name"`
	Leaves []leaf            `yaml:"leaves"`
	Named  map[string]leaf   `yaml:"named"`
	Labels map[string]string `yaml:"labels"`
	Words  []string          `yaml:"words"`
}

func TestDecode(t *testing.T) {
	d := Parse("f.yml", []byte(`
name: 3.5
leaves:
  - {cooldown: 0, settle: 1m30s, attempts: 3, lag: 1000, body: 16MiB, on: true}
  - {settle: 1.5s}
  - settle: 1d
named:
  P0: {settle: 100ms}
labels: {a: "1", b: yes}
words: ["true", 08]
`))
	var got tree
	d.Decode(&got)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	zero := time.Duration(0)
	want := tree{
		Name: "3.5",
		Leaves: []leaf{
			{Cooldown: &zero, Settle: 90 * time.Second, Attempts: 3, Lag: 1000, Body: 16 << 20, On: true},
			{Settle: 1500 * time.Millisecond},
			{Settle: 24 * time.Hour},
		},
		Named:  map[string]leaf{"P0": {Settle: 100 * time.Millisecond}},
		Labels: map[string]string{"a": "1", "b": "yes"},
		Words:  []string{"true", "08"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// What the file does not say stays: defaults go in first.
func TestDefaultsStay(t *testing.T) {
	for _, in := range []string{"", "# nothing\n", "null\n", "---\n", "leaves:\nnamed: # all commented out\n", "{}"} {
		got := tree{Name: "default", Words: []string{"w"}}
		d := Parse("f.yml", []byte(in))
		d.Decode(&got)
		if d.Err() != nil || got.Name != "default" || len(got.Words) != 1 {
			t.Errorf("%q: got %+v, %v", in, got, d.Err())
		}
	}
}

func TestErrors(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"unknown key": {
			"named:\n  P0:\n    cooldwn: 5m\n",
			`f.yml:3:5: unknown key "cooldwn" in named.P0; did you mean "cooldown"?`,
		},
		"unknown key at the top, case variant": {
			"Name: a\n",
			`f.yml:1:1: unknown key "Name" at the top level; did you mean "name"?`,
		},
		"unknown key like no other": {
			"zzzzzzzz: a\n",
			`f.yml:1:1: unknown key "zzzzzzzz" at the top level; known here: labels, leaves, name, named, words`,
		},
		"a hidden field is no key": {
			"leaves: [{hidden: a}]\n",
			`f.yml:1:11: unknown key "hidden" in leaves[0]; known here: attempts, body, cooldown, lag, on, settle`,
		},
		"all at once, in the file's order": {
			"nme: a\nleaves:\n  - settle: 30\n    attempts: many\nwords: a\n",
			`f.yml:1:1: unknown key "nme" at the top level; did you mean "name"?
f.yml:3:13: leaves[0].settle: "30" has no unit: write 30s if seconds are meant
f.yml:4:15: leaves[0].attempts wants a whole number, not "many"
f.yml:5:8: words wants a list, not "a"`,
		},
		"duplicate key": {
			"name: a\nwords: []\nname: b\n",
			`f.yml:3:1: key "name" is there twice at the top level, first on line 1: keep one`,
		},
		"duplicate key in a map": {
			"labels:\n  a: 1\n  a: 2\n",
			`f.yml:3:3: key "a" is there twice in labels, first on line 2: keep one`,
		},
		"negative duration":   {"leaves: [{settle: -5s}]", `f.yml:1:19: leaves[0].settle: "-5s" is negative: write it without the minus`},
		"no duration":         {"leaves: [{settle: soon}]", `f.yml:1:19: leaves[0].settle: "soon" is no duration: write it like 30s, 100ms, 10m or 1d`},
		"list for duration":   {"leaves: [{settle: [5s]}]", `f.yml:1:19: leaves[0].settle wants a duration such as 30s, not a list`},
		"size without unit":   {"leaves: [{body: 16}]", `f.yml:1:17: leaves[0].body: "16" has no unit: write 16B, or KiB, MiB, GiB`},
		"no size":             {"leaves: [{body: 16MB}]", `f.yml:1:17: leaves[0].body: "16MB" is no size: write it like 64KiB, 16MiB or 1GiB`},
		"size too large":      {"leaves: [{body: 9999999999999GiB}]", `f.yml:1:17: leaves[0].body: "9999999999999GiB" is no size: write it like 64KiB, 16MiB or 1GiB`},
		"yes for bool":        {"leaves: [{on: yes}]", `f.yml:1:15: leaves[0].on wants true or false, not "yes"`},
		"text for bool":       {`leaves: [{on: "true"}]`, `f.yml:1:15: leaves[0].on wants true or false, not "true"`},
		"text for number":     {`leaves: [{attempts: "3"}]`, `f.yml:1:21: leaves[0].attempts wants a whole number, not "3"`},
		"negative unsigned":   {`leaves: [{lag: -3}]`, `f.yml:1:16: leaves[0].lag wants a whole number, not below 0, not "-3"`},
		"map for text":        {"name: {a: b}", `f.yml:1:7: name wants text, not keys and values`},
		"empty text":          {"name:\n", `f.yml:1:6: name is empty: give it a value, or leave the key out`},
		"indented too little": {"cooldown: 5m\n", `f.yml:1:1: unknown key "cooldown" at the top level; known here: labels, leaves, name, named, words`},
		"indented too much":   {"named:\n  P0:\n    words: [a]\n", `f.yml:3:5: unknown key "words" in named.P0; it belongs at the top level: do not indent it`},
		"unequal indents":     {"named:\n  P0:\n    settle: 5s\n     attempts: 1\n", `f.yml:4:1: not YAML: mapping values are not allowed in this context: indent the line as its neighbours, or quote a value that has a colon in it`},
		"text for struct":     {"named: {a: b}", `f.yml:1:12: named.a wants keys and values, not "b"; known here: attempts, body, cooldown, lag, on, settle`},
		"list at the top":     {"- a\n", `f.yml:1:1: the file wants keys and values, not a list; known here: labels, leaves, name, named, words`},
		"alias":               {"words: &w [a]\nlabels: *w\n", "f.yml:1:8: anchors and aliases are not taken here: write the value out\nf.yml:2:9: anchors and aliases are not taken here: write the value out"},
		"alias bomb":          {"name: &a [x,x]\nwords: [*a,*a]\n", "f.yml:1:7: anchors and aliases are not taken here: write the value out\nf.yml:2:9: anchors and aliases are not taken here: write the value out\nf.yml:2:12: anchors and aliases are not taken here: write the value out"},
		"tag":                 {"name: !!binary aGk=\n", `f.yml:1:7: tags are not taken here: leave out "!!binary"`},
		"complex key":         {"? [a]\n: b\n", `f.yml:1:3: a key is plain text: write it without brackets, anchors or tags`},
		"two documents":       {"name: a\n---\nname: b\n", `f.yml:2:1: a second document begins here: one file holds one`},
		"tab":                 {"leaves:\n  - settle: 5s\n\t  attempts: 3\n", `f.yml:3:1: a tab cannot indent YAML: use spaces`},
		"not YAML":            {"name: [a\nwords: b\n", "f.yml:2:1: not YAML: did not find expected ',' or ']': a bracket is not closed, or a comma is missing"},
		"not UTF-8":           {"name: \xff\n", "f.yml: not YAML: invalid leading UTF-8 octet"},
		"hostile key":         {"\"\\x1b[2J\\u202E" + strings.Repeat("x", 500) + "\": 1\n", `f.yml:1:1: unknown key "\x1b[2J\u202e` + strings.Repeat("x", 57) + `…" at the top level; known here: labels, leaves, name, named, words`},
		"merge key":           {"name: a\n<<: {words: [a]}\n", `f.yml:2:1: unknown key "<<" at the top level; known here: labels, leaves, name, named, words`},
		"null in a list":      {"words: [a, ~]\n", `f.yml:1:12: words[1] is empty: give it a value, or leave the key out`},
		"wrong list element":  {"words: [a, [b]]\n", `f.yml:1:12: words[1] wants text, not a list`},
	} {
		t.Run(name, func(t *testing.T) {
			d := Parse("f.yml", []byte(tc.in))
			d.Decode(new(tree))
			err := d.Err()
			if err == nil {
				t.Fatal("was taken")
			}
			if err.Error() != tc.want {
				t.Errorf("got\n%s\nwant\n%s", err, tc.want)
			}
		})
	}
}

func TestErrorsAreBounded(t *testing.T) {
	d := Parse("f.yml", []byte("words: ["+strings.Repeat("[],", 100)+"]"))
	d.Decode(new(tree))
	var es Errors
	if !errors.As(d.Err(), &es) || len(es) != 100 {
		t.Fatalf("%d errors kept, want 100", len(es))
	}
	text := es.Error()
	if lines := strings.Count(text, "\n") + 1; lines != shown+1 || !strings.HasSuffix(text, "\n… and 50 more") {
		t.Errorf("%d lines, ending %q", lines, text[len(text)-20:])
	}
}

func TestSizeCap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yml")
	if err := os.WriteFile(path, []byte("name: "+strings.Repeat("a", MaxSize)), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Err().Error(), path+": larger than 1048576 bytes, which is the most that is read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none.yml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// The caller's own findings point into the file, and one mistake is told once.
func TestErrorf(t *testing.T) {
	d := Parse("f.yml", []byte("name: a\nleaves:\n  - settle: 5s\n  - settle: 30\n"))
	d.Decode(new(tree))
	d.Errorf(Path{"name"}, "too short")
	d.KeyErrorf(Path{"leaves", 0, "settle"}, "not wanted")
	d.Errorf(Path{"leaves", 0, "attempts"}, "missing")
	d.Errorf(Path{"leaves", 1}, "hidden: an error beneath was told")
	d.Errorf(Path{"leaves", 1, "settle"}, "hidden: told already")
	d.Errorf(Path{"words"}, "missing too")
	want := `f.yml:1:1: missing too
f.yml:1:7: too short
f.yml:3:5: not wanted
f.yml:3:5: missing
f.yml:4:13: leaves[1].settle: "30" has no unit: write 30s if seconds are meant`
	if got := d.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !d.Has(Path{"leaves", 1, "settle"}) || d.Has(Path{"leaves", 2}) || d.Has(Path{"words"}) {
		t.Error("Has does not tell what the file says")
	}
}

func TestSizeString(t *testing.T) {
	for s, want := range map[Size]string{0: "0B", 1: "1B", 1536: "1536B", 64 << 10: "64KiB", 256 << 20: "256MiB", 2 << 30: "2GiB"} {
		if got := s.String(); got != want {
			t.Errorf("%d: got %s, want %s", int64(s), got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"name: a\nleaves: [{settle: 5s}]\n", "a: &b [*b]", "? [a]\n: b", "\t- x", "---\n---\n", "<<: {}", "leaves:\n - cooldown: 0\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := Parse("f.yml", data)
		var v tree
		d.Decode(&v)
		if err := d.Err(); err != nil && !strings.HasPrefix(err.Error(), "f.yml:") {
			t.Errorf("an error without its place: %s", err)
		}
		for _, l := range v.Leaves {
			if l.Settle < 0 || l.Body < 0 {
				t.Errorf("negative: %+v", l)
			}
		}
	})
}
