package programs

import (
	"errors"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	tests := []struct {
		what, name, output string
		want               string
		err                string // part of the error, when one is wanted
	}{
		{
			what: "Debian's etcd", name: "etcd",
			output: "etcd Version: 3.4.23\nGit SHA: Not provided (use ./build instead of go build)\nGo Version: go1.19.8\nGo OS/Arch: linux/amd64\n",
			want:   "3.4.23",
		},
		{
			what: "our etcd", name: "etcd",
			output: "etcd Version: 3.7.3\nGit SHA: Not provided (use ./build instead of go build)\nGo Version: go1.26.8\nGo OS/Arch: linux/amd64\n",
			want:   "3.7.3",
		},
		{
			what: "Debian's Prometheus", name: "prometheus",
			output: "prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5+deb12u1)\n  build user:       team+pkg-go@tracker.debian.org\n  go version:       go1.19.8\n",
			want:   "2.42.0+ds",
		},
		{
			what: "our Prometheus", name: "prometheus",
			output: "prometheus, version 3.15.0 (branch: , revision: unknown)\n  build user:       \n  go version:       go1.26.8\n  platform:         linux/amd64\n  tags:             remove_all_sd\n",
			want:   "3.15.0",
		},
		{
			what: "our promtool", name: "promtool",
			output: "promtool, version 3.15.0 (branch: , revision: unknown)\n",
			want:   "3.15.0",
		},
		{
			what: "Debian's Alertmanager", name: "alertmanager",
			output: "alertmanager, version 0.25.0 (branch: debian/sid, revision: 0.25.0-1+b4)\n",
			want:   "0.25.0",
		},
		{
			what: "a release candidate", name: "prometheus",
			output: "prometheus, version 3.16.0-rc.1 (branch: HEAD, revision: 0123abc)\n",
			want:   "3.16.0-rc.1",
		},
		{
			what: "a warning first", name: "etcd",
			output: "[WARNING] Deprecated '--logger=capnslog' flag is set\netcd Version: 3.4.30\n",
			want:   "3.4.30",
		},
		{
			what: "built without a version", name: "prometheus",
			output: "prometheus, version  (branch: , revision: unknown)\n  build user:       \n",
			err:    "prints no version",
		},
		{what: "a branch's name", name: "prometheus", output: "prometheus, version main (branch: main)\n", err: "has not the form"},
		{what: "another program", name: "etcd", output: "usage: etcd [OPTION]\nmore\n", err: `"usage: etcd [OPTION]"`},
		{what: "the wrong one of two", name: "prometheus", output: "promtool, version 3.15.0 (branch: )\n", err: "does not answer --version as prometheus does"},
		{what: "nothing", name: "etcd", output: "", err: "does not answer"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			got, err := parseVersion(tt.name, tt.output)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("error %v, want one with %q", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("version %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := parseVersion("etcd", "etcd Version: \n"); !errors.Is(err, errNoVersion) {
		t.Errorf("a blank version gives %v, want errNoVersion", err)
	}
}

func TestSupports(t *testing.T) {
	tests := []struct {
		name, version string
		want          bool
	}{
		{"etcd", "3.4.22", false},
		{"etcd", "3.4.23", true},
		{"etcd", "3.7.0-alpha.0", true},
		{"prometheus", "2.41.9", false},
		{"prometheus", "2.42.0-rc.0", false},
		{"prometheus", "2.42.0+ds", true},
		{"prometheus", "10.0.0", true},
		{"promtool", "2.42.0+ds", true},
		{"alertmanager", "0.24.0", false},
		{"alertmanager", "0.25.0", true},
	}
	for _, tt := range tests {
		s, ok := specOf(tt.name)
		if !ok {
			t.Fatalf("no program %s", tt.name)
		}
		if got := s.supports(tt.version); got != tt.want {
			t.Errorf("%s %s is supported: %t, want %t", tt.name, tt.version, got, tt.want)
		}
	}
}

func TestReleaseVersion(t *testing.T) {
	for module, want := range map[string]string{"0.315.0": "3.15.0", "0.301.2": "3.1.2", "0.300.0": "3.0.0", "0.1000.4": "10.0.4"} {
		if got, err := releaseVersion(module); err != nil || got != want {
			t.Errorf("releaseVersion(%s) = %q, %v, want %s", module, got, err, want)
		}
	}
	for _, module := range []string{"", "3.15.0", "0.42.0", "0.315"} {
		if got, err := releaseVersion(module); err == nil {
			t.Errorf("releaseVersion(%q) = %q, want an error", module, got)
		}
	}
}

// Every program's module is really pinned, in a version that is supported.
func TestPinnedVersions(t *testing.T) {
	root, err := Options{}.root()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range specs() {
		version, err := s.pinnedVersion(root)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		if !s.supports(version) {
			t.Errorf("%s %s is pinned, older than %s", s.name, version, s.oldest)
		}
	}
}
