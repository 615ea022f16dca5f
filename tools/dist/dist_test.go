package main

import (
	"archive/tar"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTargets(t *testing.T) {
	all, err := targets("")
	if err != nil {
		t.Fatal(err)
	}
	systems := map[string]bool{}
	for _, x := range all {
		if !slices.Contains(x.programs, "fettle_exporter") {
			t.Errorf("%s has no exporter", x)
		}
		systems[x.os] = true
	}
	for _, os := range []string{"linux", "darwin", "freebsd", "windows"} {
		if !systems[os] {
			t.Errorf("nothing is released for %s", os)
		}
	}
	some, err := targets("windows/amd64,linux/arm64")
	if err != nil || len(some) != 2 || some[0].os != "windows" {
		t.Errorf("got %v, %v", some, err)
	}
	if _, err := targets("linux/amd64,plan9/amd64"); err == nil || !strings.Contains(err.Error(), `"plan9/amd64"`) {
		t.Errorf("an unknown target: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		args  []string
		epoch string
		want  string
	}{
		"no version":  {nil, "1", "-version"},
		"a bad one":   {[]string{"-version=v1"}, "1", "-version"},
		"no time":     {[]string{"-version=1.0.0"}, "", "SOURCE_DATE_EPOCH"},
		"no target":   {[]string{"-version=1.0.0", "-targets=beos/amd64"}, "1", "beos"},
		"odd version": {[]string{"-version=1.0.0 -o x"}, "1", "-version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOURCE_DATE_EPOCH", test.epoch)
			out := filepath.Join(t.TempDir(), "dist")
			err := run(t.Context(), append(test.args, "-out="+out), io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something about %s", err, test.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it began, and left something behind: %v", err)
			}
		})
	}
}

// fakeProgram is this test itself, which has a table of modules as every program has.
func fakeProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

func TestSBOM(t *testing.T) {
	r := release{version: "1.2.3", out: t.TempDir(), when: time.Unix(1700000000, 0).UTC()}
	target := target{"linux", "amd64", []string{"fettle"}}
	program := fakeProgram(t)
	if err := r.writeSBOM(target, []string{program}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "fettle_1.2.3_linux_amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b bom
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" || b.Spec != "1.6" || b.Metadata.Timestamp != "2023-11-14T22:13:20Z" || len(b.Serial) != len("urn:uuid:")+36 {
		t.Errorf("head: %+v", b.Metadata)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{b.Metadata.Component.Ref: true}
	for _, c := range b.Components {
		if refs[c.Ref] {
			t.Errorf("%s stands twice", c.Ref)
		}
		refs[c.Ref] = true
	}
	if want := "pkg:golang/std@" + strings.TrimPrefix(runtime.Version(), "go"); !refs[want] {
		t.Errorf("no %s", want)
	}
	for _, m := range info.Deps {
		if !refs["pkg:golang/"+m.Path+"@"+m.Version] {
			t.Errorf("no component for %s %s", m.Path, m.Version)
		}
	}
	for _, d := range b.Dependencies {
		for _, ref := range append(d.On, d.Ref) {
			if !refs[ref] {
				t.Errorf("a dependency on %s, which is no component", ref)
			}
		}
	}
	again, err := r.sbom(target, []string{program})
	if err != nil || again.Serial != b.Serial {
		t.Errorf("serial %s, and again %s (%v)", b.Serial, again.Serial, err)
	}
}

// An archive has what stands in the list, in order, and nothing of this machine.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "program")
	if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := []file{{name: "LICENSE", data: []byte("free\n"), mode: 0o644}, {name: "fettle", path: mine, mode: 0o755}}
	r := release{version: "1.2.3", out: dir, when: time.Unix(1700000000, 0).UTC()}
	for _, target := range []target{{"linux", "amd64", []string{"fettle"}}, {"windows", "amd64", []string{"fettle"}}} {
		if err := r.archive(target, inside); err != nil {
			t.Fatal(err)
		}
	}
	first, err := os.ReadFile(filepath.Join(dir, "fettle_1.2.3_windows_amd64.zip"))
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(mine, later, later); err != nil {
		t.Fatal(err)
	}
	if err := r.archive(target{"windows", "amd64", []string{"fettle"}}, inside); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(filepath.Join(dir, "fettle_1.2.3_windows_amd64.zip")); err != nil || string(second) != string(first) {
		t.Errorf("two zips differ (%v)", err)
	}

	f, err := os.Open(filepath.Join(dir, "fettle_1.2.3_linux_amd64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %o %d %d:%d %s", h.Name, h.Mode, h.Size, h.Uid, h.Gid, h.ModTime.UTC().Format(time.DateOnly)))
	}
	want := []string{"fettle_1.2.3_linux_amd64/LICENSE 644 5 0:0 2023-11-14", "fettle_1.2.3_linux_amd64/fettle 755 1 0:0 2023-11-14"}
	if !slices.Equal(got, want) {
		t.Errorf("inside: %q, want %q", got, want)
	}
}

func TestChecksums(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := checksums(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, checksumFile))
	want := "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}

// Everything that a package installs is in the archive that it is made from, and each
// package has its unit, its user and its directories.
func TestPackagesHaveWhatTheyName(t *testing.T) {
	r := release{version: "1.2.3", source: filepath.Join("..", "..")}
	linux := table()[0]
	inside, err := r.contents(linux, []string{"x/fettle", "x/fettle_exporter"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range packaged() {
		var to []string
		for _, f := range s.files(inside) {
			if slices.Contains(to, f.name) {
				t.Errorf("%s: %s twice", s.name, f.name)
			}
			to = append(to, f.name)
			if f.name == "/usr/bin/fettle" || f.name == "/usr/bin/fettle_exporter" {
				continue
			}
			if _, err := f.read(); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
		for _, want := range []string{
			"/lib/systemd/system/" + s.unit, "/usr/lib/sysusers.d/" + s.conf, "/usr/lib/tmpfiles.d/" + s.conf,
			"/usr/share/doc/" + s.name + "/copyright",
		} {
			if !slices.Contains(to, want) {
				t.Errorf("%s does not install %s, only %v", s.name, want, to)
			}
		}
	}
}
