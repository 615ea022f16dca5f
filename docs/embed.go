// Package docs has the documentation's pages, for `fettle docs` and for the runbooks
// that fettle serves. It is data only.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed *.md */*.md
var files embed.FS

// Files has the pages by their paths below docs, such as alerts/FettleDown.md.
func Files() fs.FS { return files }
