package programs

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// errNoVersion is a program that runs, but was built without its version.
var errNoVersion = errors.New("it prints no version")

// parseVersion reads the version out of what the program prints for --version,
// for example "3.4.23" or "2.42.0+ds". The error is errNoVersion when the place
// for it is blank, and another one when this is not the program's output.
func parseVersion(name, output string) (string, error) {
	// etcd:   "etcd Version: 3.4.23"
	// others: "prometheus, version 2.42.0+ds (branch: …, revision: …)"
	// consul: "Consul v1.12.9"
	line := regexp.MustCompile(`(?mi)^` + regexp.QuoteMeta(name) + `(?: Version:|, version| v) ?([^\s(]*)`)
	m := line.FindStringSubmatch(output)
	switch {
	case m == nil:
		first, _, _ := strings.Cut(strings.TrimSpace(output), "\n")
		return "", fmt.Errorf("it does not answer --version as %s does, but with %.80q", name, first)
	case m[1] == "":
		return "", errNoVersion
	case !semver.IsValid("v" + m[1]):
		return "", fmt.Errorf("its version %.40q has not the form 1.2.3", m[1])
	}
	return m[1], nil
}

// supports says whether that version is at least the oldest supported one.
// A newer one is always taken.
func (s spec) supports(version string) bool {
	return semver.Compare("v"+version, "v"+s.oldest) >= 0
}

// runVersion asks the program at path for its version.
func runVersion(ctx context.Context, s spec, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running it with --version: %w", err)
	}
	return parseVersion(s.name, string(out))
}
