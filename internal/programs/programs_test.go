package programs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The test binary plays the servers: started under another name, it prints the
// file NAME.txt beside that name and exits.
func TestMain(m *testing.M) {
	if text, err := os.ReadFile(os.Args[0] + ".txt"); err == nil {
		fmt.Print(string(text))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// cleanEnvironment takes away what says which programs to use.
func cleanEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv(SourceVariable, "")
	for _, s := range specs() {
		t.Setenv(s.variable, "")
	}
}

// fakeProgram puts a program into dir that prints output, whatever it is asked.
func fakeProgram(t *testing.T, dir, name, output string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	write(t, path+".txt", output)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFindOnPath(t *testing.T) {
	const (
		etcd         = "etcd Version: 3.5.9\n"
		oldEtcd      = "etcd Version: 3.3.1\n"
		prometheus   = "prometheus, version 2.42.0+ds (branch: debian/sid)\n"
		alertmanager = "alertmanager, version 0.25.0 (branch: debian/sid)\n"
	)
	tests := []struct {
		what, name string
		path       map[string]string // command on PATH: what it prints
		env        map[string]string // command outside PATH: what it prints
		want       Program           // Path is the command
		err        []string
	}{
		{
			what: "on PATH", name: "etcd", path: map[string]string{"etcd": etcd},
			want: Program{Name: "etcd", Path: "etcd", Version: "3.5.9", Origin: FromPath},
		},
		{
			what: "with a build's suffix", name: "prometheus", path: map[string]string{"prometheus": prometheus},
			want: Program{Name: "prometheus", Path: "prometheus", Version: "2.42.0+ds", Origin: FromPath},
		},
		{
			what: "Debian's name", name: "alertmanager", path: map[string]string{"prometheus-alertmanager": alertmanager},
			want: Program{Name: "alertmanager", Path: "prometheus-alertmanager", Version: "0.25.0", Origin: FromPath},
		},
		{
			what: "an old one under its own name, a good one under Debian's", name: "alertmanager",
			path: map[string]string{"alertmanager": "alertmanager, version 0.20.0 (branch: x)\n", "prometheus-alertmanager": alertmanager},
			want: Program{Name: "alertmanager", Path: "prometheus-alertmanager", Version: "0.25.0", Origin: FromPath},
		},
		{
			what: "named by its variable", name: "etcd", path: map[string]string{"etcd": etcd}, env: map[string]string{"FETTLE_ETCD": "etcd Version: 3.6.1\n"},
			want: Program{Name: "etcd", Path: "FETTLE_ETCD", Version: "3.6.1", Origin: FromEnvironment},
		},
		{
			what: "named by its variable, without a version", name: "prometheus", env: map[string]string{"FETTLE_PROMETHEUS": "prometheus, version  (branch: )\n"},
			want: Program{Name: "prometheus", Path: "FETTLE_PROMETHEUS", Version: "unknown", Origin: FromEnvironment},
		},
		{
			what: "too old", name: "etcd", path: map[string]string{"etcd": oldEtcd},
			err: []string{"etcd is version 3.3.1, older than 3.4.23", "apt-get install etcd-server", "FETTLE_ETCD"},
		},
		{
			what: "not there", name: "alertmanager",
			err: []string{"no alertmanager, no prometheus-alertmanager", "apt-get install prometheus-alertmanager", "FETTLE_ALERTMANAGER"},
		},
		{
			what: "another program of that name", name: "promtool", path: map[string]string{"promtool": "hello\n"},
			err: []string{`"hello"`, "apt-get install prometheus", "FETTLE_PROMTOOL"},
		},
		{
			what: "named by its variable, but too old", name: "etcd", path: map[string]string{"etcd": etcd}, env: map[string]string{"FETTLE_ETCD": oldEtcd},
			err: []string{"FETTLE_ETCD=", "etcd 3.3.1", "oldest supported version is 3.4.23"},
		},
		{
			what: "unknown name", name: "mysqld",
			err: []string{`unknown program "mysqld"`, "etcd, prometheus, promtool, alertmanager"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			bin, elsewhere := t.TempDir(), t.TempDir()
			cleanEnvironment(t)
			t.Setenv("PATH", bin)
			for command, output := range tt.path {
				fakeProgram(t, bin, command, output)
			}
			for variable, output := range tt.env {
				t.Setenv(variable, fakeProgram(t, elsewhere, variable, output))
			}
			got, err := Find(t.Context(), tt.name, Options{Source: Path})
			if len(tt.err) > 0 {
				wantError(t, err, tt.err...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !filepath.IsAbs(got.Path) {
				t.Errorf("path %s is not absolute", got.Path)
			}
			got.Path = filepath.Base(got.Path)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

func TestFindNamedButMissing(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv("FETTLE_ETCD", filepath.Join(t.TempDir(), "gone"))
	_, err := Find(t.Context(), "etcd", Options{})
	wantError(t, err, "FETTLE_ETCD=", "gone", "no such file", "unset it")
}

func TestFindSourceVariable(t *testing.T) {
	cleanEnvironment(t)
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	fakeProgram(t, bin, "etcd", "etcd Version: 3.5.9\n")

	t.Setenv(SourceVariable, "pinned")
	_, err := Find(t.Context(), "etcd", Options{Root: t.TempDir()})
	wantError(t, err, "only the pinned version was wanted")

	p, err := Find(t.Context(), "etcd", Options{Source: Path})
	if err != nil || p.Version != "3.5.9" {
		t.Errorf("what the caller asks for comes before the variable: got %+v, %v", p, err)
	}

	t.Setenv(SourceVariable, "newest")
	_, err = Find(t.Context(), "etcd", Options{})
	wantError(t, err, `FETTLE_PROGRAMS="newest": want path or pinned`)
}

// An installed fettle has no source tree beside it.
func TestFindWithoutSourceTree(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	_, err := Find(t.Context(), "etcd", Options{})
	wantError(t, err, "no etcd", "fettle's source tree is not here", "apt-get install etcd-server", "FETTLE_ETCD")
}

func TestFindWithoutGo(t *testing.T) {
	cleanEnvironment(t)
	root, err := Options{}.root()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err = Find(t.Context(), "etcd", Options{Root: root})
	wantError(t, err, "the go command is not on PATH", "apt-get install etcd-server")
}

func TestFindRealEtcd(t *testing.T) {
	p, err := Find(t.Context(), "etcd", Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	wantVersion(t, p, "etcd Version: "+p.Version)
}

// wantVersion runs the program and looks for a line in what it prints.
func wantVersion(t *testing.T, p Program, line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	out, err := exec.CommandContext(ctx, p.Path, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	if !strings.Contains(string(out), line) {
		t.Errorf("%s --version lacks %q: %s", p.Path, line, out)
	}
}
