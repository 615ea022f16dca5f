//go:build linux

package systemdtest

import (
	"os"
	"strings"
	"testing"
)

// Documented are the files of these names, units above all, as a page of the documentation
// has them: each the first block after its name. Who follows the page has these.
func Documented(t testing.TB, page string, names ...string) map[string]string {
	t.Helper()
	whole, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range names {
		_, after, named := strings.Cut(string(whole), name+"`")
		_, after, begun := strings.Cut(after, "\n```")
		_, after, _ = strings.Cut(after, "\n") // the block's language
		text, _, ended := strings.Cut(after, "```")
		if !named || !begun || !ended {
			t.Fatalf("%s has no %s", page, name)
		}
		files[name] = text
	}
	return files
}
