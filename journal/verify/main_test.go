package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The auditor's program is of the standard library and golang.org/x/mod alone, and
// short enough to be read.
func TestStandsAlone(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Deps "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && !strings.HasPrefix(dep, "golang.org/x/mod/") {
			t.Errorf("it links %s", dep)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	code := 0 // lines that are not empty, and no comment
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for line := range strings.Lines(string(read(t, name))) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				code++
			}
		}
	}
	if code == 0 || code > 460 {
		t.Errorf("%d lines of code, 460 is the most", code)
	}
}

func TestCommandLine(t *testing.T) {
	s := build(t, "aaaKacaaRaacA")
	anchor, keyFile := filepath.Join(t.TempDir(), "anchor"), filepath.Join(t.TempDir(), "public")
	write(t, anchor, s.anchor)
	write(t, keyFile, []byte(s.key+"\n"))
	for _, tc := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"a pass", []string{s.dir, s.key}, 0, []string{"PASS: the journal \"db1/fettle/", "Proven: the first 22 of 22 records, by ", "keys: 2;", "Not looked at: the lines of 14 records", "Not proven: that there is no newer"}},
		{"everything", []string{"--anchor", anchor, s.dir, "--archive=" + s.archive, keyFile}, 0, []string{"PASS", " and 1 anchors;"}},
		{"JSON", []string{s.dir, s.key, "--output", "json"}, 0, []string{`"ok": true`, `"archived": 14`, `"keys": 2`}},
		{"another key", []string{s.dir, build(t, "a").key}, 1, []string{"FAIL: ", "is not that of the given key", "Proven: the first 0 of"}},
		{"no key", []string{s.dir, "x"}, 1, []string{"FAIL: \"the public key: malformed"}},
		{"no journal", []string{t.TempDir(), s.key}, 1, []string{"FAIL: "}},
		{"no anchor in the file", []string{s.dir, s.key, "--anchor", keyFile}, 1, []string{"has no checkpoint"}},
		{"usage", []string{s.dir}, 2, nil},
		{"unknown flag", []string{s.dir, s.key, "--x"}, 2, nil},
	} {
		var out, errs bytes.Buffer
		if code := run(tc.args, &out, &errs); code != tc.code {
			t.Errorf("%s: exit code %d, want %d: %s%s", tc.name, code, tc.code, out.String(), errs.String())
		}
		for _, want := range tc.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, out.String())
			}
		}
		if strings.Contains(tc.name, "JSON") && !json.Valid(out.Bytes()) {
			t.Errorf("not JSON: %s", out.String())
		}
	}
}

// Anchors in every form that fettle gives them.
func TestAnchorForms(t *testing.T) {
	s := build(t, "aaacaaac")
	quoted, err := json.Marshal(string(s.anchor))
	if err != nil {
		t.Fatal(err)
	}
	ascii := strings.ReplaceAll(string(quoted), "—", `\u2014`)
	for name, text := range map[string]string{
		"a note":        string(s.anchor),
		"JSON lines":    `{"time":"2026-11-21T02:34:00Z","size":13,"checkpoint":` + string(quoted) + "}\n",
		"a syslog line": "<85>1 2026-11-21T02:34:00.123456Z db1 fettle 7 checkpoint - checkpoint " + ascii + "\n",
		"a log":         "Nov 21 sshd[1]: hello\nNov 21 02:34:00 db1 fettle[7]: checkpoint " + ascii + "\n",
		"the journal's": string(read(t, filepath.Join(s.dir, "checkpoints.jsonl"))),
	} {
		kept := filepath.Join(t.TempDir(), "anchor")
		write(t, kept, []byte(text))
		if r, err := audit(s.dir, s.key, "", kept); err != nil || r.Anchors < 1 || r.Proven != r.Records {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		write(t, kept, bytes.Replace([]byte(text), []byte("db1/fettle/0"), []byte("db2/fettle/0"), 1))
		if _, err := audit(s.dir, s.key, "", kept); err == nil {
			t.Errorf("%s: another journal's is an anchor of this one", name)
		}
	}
}
