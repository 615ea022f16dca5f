package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/internal/schema"
)

var update = flag.Bool("update", false, "write docs/schemas")

const root = "../.."

// The published schemas are those of the code.
func TestPublished(t *testing.T) {
	for _, f := range schema.Forms() {
		s, err := f.Make(root)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, "docs/schemas", f.Name)
		if *update {
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/schemas/%s is not current (%v): go test ./internal/schema -update", f.Name, err)
		}
	}
}

// Every key says what it is.
func TestDescriptions(t *testing.T) {
	for _, f := range schema.Forms() {
		s, err := f.Make(root)
		if err != nil {
			t.Fatal(err)
		}
		mute := func(of string, s *schema.Schema) {
			for key, p := range s.Properties {
				def := s
				if p.Ref != "" {
					def = nil
				}
				if p.Description == "" && def != nil {
					t.Errorf("%s: %s.%s has no description: a comment at the field, or a rule in forms.go", f.Name, of, key)
				}
			}
		}
		mute("", s)
		for name, def := range s.Defs {
			mute(name, def)
		}
	}
}

// question is a file for a schema.
type question struct {
	Schema   string `json:"schema"`
	Name     string `json:"name"`
	Instance any    `json:"instance"`
}

func ask(t *testing.T, form, name string, data []byte) (q question, readable bool) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "docs/schemas", form))
	if err != nil {
		t.Fatal(err)
	}
	q = question{Schema: path, Name: name}
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&q.Instance); err != nil && len(bytes.TrimSpace(data)) > 0 {
		return q, false
	}
	if q.Instance == nil {
		q.Instance = map[string]any{}
	}
	if err := d.Decode(new(any)); err == nil {
		return q, false // a second document is nothing for a schema
	}
	return q, true
}

// validated asks a validator that is not ours.
func validated(t *testing.T, questions []question) map[string]string {
	t.Helper()
	var in, out, stderr bytes.Buffer
	for _, q := range questions {
		if err := json.NewEncoder(&in).Encode(q); err != nil {
			t.Fatalf("%s: %v", q.Name, err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", ".")
	cmd.Dir, cmd.Env = filepath.Join(root, "tools/schemacheck"), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("schemacheck: %v\n%s", err, &stderr)
	}
	answers := map[string]string{}
	for line := range strings.Lines(out.String()) {
		var a struct{ Name, Error string }
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		answers[a.Name] = a.Error
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

// files are those of ours that are in order, by schema.
func files(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{
		"fettle.json":   {"docs/examples/fettle.yml", "internal/config/testdata/good.yml"},
		"exporter.json": {"docs/examples/exporter.yml"},
	}
	for form, globs := range map[string][]string{
		"fettle.json": {"deploy/*/fettle.yml", "deploy/fettle.yml", "internal/config/testdata/good*.yml"}, "exporter.json": {"deploy/*/exporter.yml", "internal/inventory/testdata/good*.yml"},
		"playbook.json": {"playbooks/*.yml", "docs/examples/playbooks/*.yml", "repair/testdata/service-*.yml"},
	} {
		for _, g := range globs {
			found, err := filepath.Glob(filepath.Join(root, g))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if rel := strings.TrimPrefix(f, root+"/"); !slices.Contains(all[form], rel) {
					all[form] = append(all[form], rel)
				}
			}
		}
	}
	return all
}

// An editor with the schema sees each structural mistake, and nothing wrong with what
// is in order: that holds for our own files, and for each mistake of the table.
func TestFilesAndMistakes(t *testing.T) {
	var questions []question
	wanted := map[string]bool{} // by name: it fits
	for form, names := range files(t) {
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			q, readable := ask(t, form, name, data)
			if !readable {
				t.Errorf("%s cannot be read", name)
				continue
			}
			questions = append(questions, q)
			wanted[name] = true
		}
	}
	archives, err := filepath.Glob(filepath.Join(root, "cmd/fettle/testdata/mistakes/*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("%d archives (%v)", len(archives), err)
	}
	structural := 0
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(archive), ".txtar")
		for _, f := range a.Files {
			form := map[string]string{"fettle.yml": "fettle.json", "exporter.yml": "exporter.json", "playbooks/mine.yml": "playbook.json", "playbooks/mine.yaml": "playbook.json"}[f.Name]
			if form == "" {
				continue
			}
			q, readable := ask(t, form, name+": "+f.Name, f.Data)
			if !readable {
				continue
			}
			questions = append(questions, q)
			about := slices.Contains(shape(), name) && (f.Name != "fettle.yml" || len(a.Files) == 2 || !strings.HasPrefix(name, "07"))
			wanted[q.Name] = !about
			if about {
				structural++
			}
		}
	}
	if structural != len(shape()) {
		t.Errorf("%d of %d structural mistakes were found", structural, len(shape()))
	}
	for name, problem := range validated(t, questions) {
		switch {
		case wanted[name] && problem != "":
			t.Errorf("%s: the schema says %s", name, problem)
		case !wanted[name] && problem == "":
			t.Errorf("%s: the schema finds nothing", name)
		}
	}
	fmt.Fprintf(t.Output(), "%d files, %d structural mistakes among them\n", len(questions), structural)
}
