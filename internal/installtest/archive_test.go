//go:build release && linux

package installtest

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-io/fettle/internal/systemdtest"
)

// testArchive installs from the archive, by the commands of docs/install.md as they
// stand there.
func testArchive(t *testing.T, files map[string]string) {
	page := blocks(t, "install.md")
	at := slices.IndexFunc(page, func(block string) bool { return strings.HasPrefix(block, "tar ") })
	if at < 0 {
		t.Fatalf("install.md does not unpack an archive: %q", page)
	}
	block := strings.ReplaceAll(page[at], "_amd64", "_"+runtime.GOARCH)
	m := machine{t, systemdtest.StartClean(t, nil, map[string]string{
		"fettle_0.1.0_linux_" + runtime.GOARCH + ".tar.gz": files["fettle.tar.gz"],
	})}
	m.must("bash", "-euo", "pipefail", "-c", "cd "+systemdtest.Programs+"\n"+block)
	installed(m, "/etc/default/fettle")
	hardened(m)
}
