package cve

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/config"
)

// fileClasses are those by which a name became another file, or somebody else's file
// was believed.
func fileClasses() []class {
	return []class{
		{"an id used as a file", "OliveTin GHSA-364q", func(t *testing.T, s *site) {
			for _, kind := range []string{"runs", "episodes"} {
				for _, id := range []string{"..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..", ".", "%2e%2e", "..%5c..%5cx", "fettle.yml%00", "%00", "journal.key", "..%2fjournal.key", "-", "~"} {
					status, _, body := s.do(t, request{path: "/api/v1/" + kind + "/" + id, as: "viewer"})
					if status < 400 || strings.Contains(body, "root:") || strings.Contains(body, "PRIVATE") {
						t.Errorf("%s/%s: %d %.100s", kind, id, status, body)
					}
				}
			}
		}},
		{"a path that leads elsewhere", "Grafana CVE-2021-43798", func(t *testing.T, s *site) {
			for _, path := range []string{"/../../../../etc/passwd", "/public/plugins/x/../../../../etc/passwd", "/api/v1/runs/../../../../etc/passwd", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/metrics/../journal.key", "/file:///etc/passwd"} {
				status, body := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+s.tokens["operator"]+"\r\nConnection: close\r\n\r\n")
				if status < 400 || strings.Contains(body, "root:") {
					t.Errorf("%s: %d %.100s", path, status, body)
				}
			}
		}},
		{"a playbook's name that is a path", "Rundeck, StackStorm packs", func(t *testing.T, _ *site) {
			for _, name := range []string{"../x", "/etc/passwd", "a/b", "..", "A", "a b", "a\\x00", "-x", "%2e%2e"} {
				if _, err := config.Parse("fettle.yml", []byte(`playbooks: {only: ["`+name+`"]}`)); err == nil {
					t.Errorf("%q was taken", name)
				}
			}
		}},
		{"a playbook that is a link out of its directory", "CVE-2021-32803 and its kind", func(t *testing.T, _ *site) {
			dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "p.yml")
			write(t, outside, playbookText)
			if err := os.Symlink(outside, filepath.Join(dir, "p.yml")); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, "p.yml")
		}},
		{"a playbook that others can write", "sudo's rule for sudoers", func(t *testing.T, _ *site) {
			for _, mode := range []fs.FileMode{0o666, 0o620, 0o602} {
				dir := t.TempDir()
				write(t, filepath.Join(dir, "p.yml"), playbookText)
				chmod(t, filepath.Join(dir, "p.yml"), mode)
				refused(t, dir, "writable by others")
			}
		}},
		{"a playbooks' directory that others can write", "sudo's rule for sudoers.d", func(t *testing.T, _ *site) {
			dir := t.TempDir()
			chmod(t, dir, 0o777)
			refused(t, dir, "writable by others")
			chmod(t, dir, 0o700)
		}},
		{"a configuration that others can write", "sudo's rule for sudoers", func(t *testing.T, _ *site) {
			path := filepath.Join(t.TempDir(), "fettle.yml")
			write(t, path, "hosts: [a]\n")
			chmod(t, path, 0o666)
			if _, err := config.Load(path); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
				t.Errorf("got %v", err)
			}
		}},
		{"a token that others can read", "CWE-732", func(t *testing.T, _ *site) {
			path := filepath.Join(t.TempDir(), "token")
			write(t, path, strings.Repeat("x", 32))
			chmod(t, path, 0o644)
			if _, err := access.New(access.Options{Table: access.Routes(), Grants: []access.Grant{{Role: access.Operator, TokenFile: path}}}); err == nil {
				t.Error("it was taken")
			}
		}},
		{"the audit log as a way to write a program", "Vault CVE-2025-6000, OpenBao CVE-2025-54997", func(t *testing.T, s *site) {
			for _, key := range []string{"mode: 0755", "prefix: '#!/bin/sh'", "file_mode: '0755'", "format: raw"} {
				if _, err := config.Parse("fettle.yml", []byte("journal: {"+key+"}")); err == nil || !strings.Contains(err.Error(), "unknown key") {
					t.Errorf("%s: %v", key, err)
				}
			}
			err := filepath.WalkDir(s.file("journal"), func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err == nil && info.Mode().Perm()&0o177 != 0 && !info.IsDir() || err == nil && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s has mode %v", path, info.Mode())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}},
		{"the socket of an operator, for everybody", "CWE-732", func(t *testing.T, s *site) {
			if info, err := os.Stat(s.file("s")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v (%v)", info.Mode(), err)
			}
		}},
		{"objects made by YAML", "Rundeck CVE-2021-39132", func(t *testing.T, _ *site) {
			for _, text := range []string{"hosts: !!python/object/apply:os.system [reboot]", "hosts: !!javax.script.ScriptEngineManager [x]", "hosts: [!ruby/object:Gem::Installer x]", "<<: {brake: /x}", "hosts: &a [b]\nclusters: *a"} {
				if _, err := config.Parse("fettle.yml", []byte(text)); err == nil {
					t.Errorf("%s was taken", text)
				}
			}
		}},
		{"YAML that grows", "billion laughs", func(t *testing.T, _ *site) {
			var bomb strings.Builder
			bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
			for i := 1; i < 12; i++ {
				bomb.WriteString("a" + string(rune('a'+i)) + ": &b" + string(rune('a'+i)) + " [*a0,*a0,*a0,*a0,*a0,*a0,*a0]\n")
			}
			texts := []string{bomb.String(), strings.Repeat("[", 100_000), strings.Repeat("{a: ", 50_000), strings.Repeat("a:\n ", 50_000), strings.Repeat("x", 2<<20)}
			for _, text := range texts {
				began := time.Now()
				if _, err := config.Parse("fettle.yml", []byte(text)); err == nil {
					t.Errorf("%.20s… was taken", text)
				}
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("%.20s… took %s", text, took)
				}
			}
		}},
		{"a reload that changes who is let in, half of it", "configuration reload", func(t *testing.T, s *site) {
			good, err := os.ReadFile(s.file("fettle.yml"))
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"web: {roles: []}\n", string(good) + "nonsense: 1\n", "", strings.ReplaceAll(string(good), "role: viewer", "role: admin")} {
				write(t, s.file("fettle.yml"), bad)
				if status, _, said := s.do(t, request{method: "POST", path: "/-/reload", as: "operator"}); status < 400 {
					t.Errorf("%d %s for %.40q", status, said, bad)
				}
				if status, _, _ := s.do(t, request{path: "/api/v1/state"}); status != 401 {
					t.Errorf("after a bad reload, without a token: %d", status)
				}
			}
			write(t, s.file("fettle.yml"), string(good))
			if status, _, said := s.do(t, request{method: "POST", path: "/-/reload", as: "operator"}); status != 200 {
				t.Errorf("%d %s", status, said)
			}
		}},
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, dir, why string) {
	t.Helper()
	c := config.Default()
	c.Playbooks.Dir = dir
	if _, err := c.LoadPlaybooks(fstest.MapFS{}, actions()); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want %q", err, why)
	}
}
