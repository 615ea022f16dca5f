package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fettle-io/fettle/internal/certtest"
	"github.com/fettle-io/fettle/internal/config"
	"github.com/fettle-io/fettle/internal/door"
)

// Each testdata/mistakes/*.txtar is a mistake that people make, and all that they are
// told, letter by letter. What is called /etc/fettle there is the script's directory.
func TestMistakes(t *testing.T) {
	pki := filepath.Join(t.TempDir(), "pki")
	ca, other := certtest.New(t, "ca"), certtest.New(t, "other")
	for name, valid := range map[string]time.Duration{"good": 24 * time.Hour, "expired": -time.Minute, "early": 48 * time.Hour, "elsewhere": 24 * time.Hour} {
		dir, host := filepath.Join(pki, name), "127.0.0.1"
		if name == "elsewhere" {
			host = "db1.example"
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "early" {
			ca.IssueFrom(dir, time.Now().Add(24*time.Hour), valid, host)
		} else {
			ca.Issue(dir, valid, host)
		}
	}
	copyFile(t, ca.File, filepath.Join(pki, "ca.pem"))
	copyFile(t, other.File, filepath.Join(pki, "other.pem"))
	p := scripts("testdata/mistakes")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		if err := os.CopyFS(filepath.Join(env.WorkDir, "pki"), os.DirFS(pki)); err != nil {
			return err
		}
		return errors.Join(setup(env), prepare(env.WorkDir))
	}
	for name, cmd := range map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"mistake": mistake, "mistake-as": mistakeAs, "tls": serveTLS, "env-address": envAddress, "stranger": stranger,
	} {
		p.Cmds[name] = cmd
	}
	testscript.Run(t, p)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// prepare puts the directory's name in the place of /etc/fettle, and gives each file
// the mode that it should have.
func prepare(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if filepath.Ext(path) != ".yml" {
			return os.Chmod(path, 0o600)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data = []byte(strings.ReplaceAll(string(data), "/etc/fettle/", dir+"/"))
		return errors.Join(os.WriteFile(path, data, 0o600), os.Chmod(path, 0o644))
	})
}

// mistake runs a command that has to fail, and writes what it said to the file got:
// mistake fettle ARGS. With ! it succeeds, and warns.
func mistake(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[0], args[1:]...)
	if (err == nil) != neg {
		ts.Fatalf("it ends with %v", err)
	}
	write(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
}

var (
	date    = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?`)
	address = regexp.MustCompile(`127\.0\.0\.1:\d{5}\b`)
	ephemer = regexp.MustCompile(`127\.0\.0\.1:\d+->`)
	ofID    = regexp.MustCompile(`holds the journal [0-9a-f-]{36}`)
	owner   = regexp.MustCompile(`belongs to user \d+`)
	closing = regexp.MustCompile(`(?m)^(fettle: \d+ problems?|ok: .*)\n`)
)

// write leaves out of a text what is another one on each machine, and each day.
func write(ts *testscript.TestScript, text string) {
	text = strings.ReplaceAll(text, ts.Getenv("WORK")+"/", "/etc/fettle/")
	for _, r := range []struct {
		is *regexp.Regexp
		as string
	}{
		{date, "DATE"}, {ephemer, ""}, {address, "fettle.example:9774"}, {ofID, "holds the journal ID"}, {owner, "belongs to user 0"}, {closing, ""},
	} {
		text = r.is.ReplaceAllString(text, r.as)
	}
	check(ts, os.WriteFile(ts.MkAbs("got"), []byte(text), 0o600))
}

// mistakeAs looks at files as another user would: mistake-as UID FILE.
func mistakeAs(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2, "mistake-as UID FILE")
	var user int
	_, err := fmt.Sscan(args[0], &user)
	check(ts, err)
	conf, err := config.Parse(args[1], []byte(ts.ReadFile(args[1])))
	check(ts, err)
	var text strings.Builder
	for _, p := range config.CheckFiles(conf, config.Files{
		Token: func(string) error { return nil }, Users: door.ReadUsers, User: user, Now: time.Now(),
	}) {
		fmt.Fprintln(&text, p)
	}
	write(ts, text.String())
}

// serveTLS starts a server with one of the certificates, and sets TLS and ADDRESS:
// tls NAME.
func serveTLS(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 1, "tls NAME")
	dir := ts.MkAbs(filepath.Join("pki", args[0]))
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	check(ts, err)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	ts.Defer(s.Close)
	ts.Setenv("TLS", s.URL)
	ts.Setenv("ADDRESS", strings.TrimPrefix(s.URL, "https://"))
}

// envAddress sets ADDRESS to that of the fake server.
func envAddress(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 0, "env-address")
	ts.Setenv("ADDRESS", strings.TrimPrefix(ts.Getenv("URL"), "http://"))
}

// stranger starts a server that is no fettle, and sets URL.
func stranger(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 0, "stranger")
	s := httptest.NewServer(http.NotFoundHandler())
	ts.Defer(s.Close)
	ts.Setenv("URL", s.URL)
}

const mistakesPage = "../../docs/how-to/mistakes.md"

// The page is the same table, for people.
func TestMistakesAreDocumented(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 40 {
		t.Errorf("%d mistakes", len(files))
	}
	var page strings.Builder
	fmt.Fprintf(&page, `# What is wrong with my configuration?

<!-- generated from cmd/fettle/testdata/mistakes: go test ./cmd/fettle -run TestMistakesAreDocumented -update -->

%d mistakes that people make, and what they are told. Each is a test: the message is this one, letter by letter. %s finds all that stands in files; with %s it also looks at what runs.

Most messages begin with FILE:LINE:COLUMN, and say what is wrong and what to do. A warning does not stop fettle.
`, len(files), "`fettle check`", "`--online`")
	last := ""
	for _, file := range files {
		name := filepath.Base(file)
		if group := headings()[name[:2]]; group != last {
			fmt.Fprintf(&page, "\n## %s\n", group)
			last = group
		}
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		title, script, _ := strings.Cut(strings.TrimPrefix(string(a.Comment), "# "), "\n")
		fmt.Fprintf(&page, "\n### %s\n\n", title)
		for _, f := range a.Files {
			switch {
			case f.Name == "want":
			case strings.HasSuffix(f.Name, ".yml") || strings.HasSuffix(f.Name, ".yaml"):
				fmt.Fprintf(&page, "%s:\n\n```yaml\n%s```\n\n", f.Name, f.Data)
			}
		}
		for line := range strings.Lines(script) {
			if command, found := strings.CutPrefix(strings.TrimPrefix(line, "! "), "mistake fettle "); found && !strings.HasPrefix(command, "check --config.file=fettle.yml\n") {
				fmt.Fprintf(&page, "`fettle %s`\n\n", strings.NewReplacer("$URL", "http://fettle.example:9774", "$TLS", "https://fettle.example:9774", "$ADDRESS", "fettle.example:9774").Replace(strings.TrimSpace(command)))
			}
			if command, found := strings.CutPrefix(line, "chmod "); found && !strings.HasPrefix(command, "755") {
				fmt.Fprintf(&page, "with `chmod %s`:\n\n", strings.TrimSpace(command))
			}
		}
		for _, f := range a.Files {
			if f.Name == "want" {
				fmt.Fprintf(&page, "tells:\n\n```text\n%s```\n", f.Data)
			}
		}
	}
	got, err := os.ReadFile(mistakesPage)
	if err == nil && string(got) == page.String() {
		return
	}
	if !*update {
		t.Fatalf("%s is not current (%v): go test ./cmd/fettle -run TestMistakesAreDocumented -update", mistakesPage, err)
	}
	if err := os.WriteFile(mistakesPage, []byte(page.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// headings are the groups of mistakes, by how their files' names begin.
func headings() map[string]string {
	return map[string]string{
		"01": "The form of the file", "02": "The inventory", "03": "Autonomy and numbers", "04": "Who comes in",
		"05": "Prometheus and Alertmanager", "06": "The journal", "07": "Playbooks", "08": "Rules", "09": "Reaching a server",
	}
}
