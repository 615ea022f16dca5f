package scaffold

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/discovery"
	"github.com/fettle-io/fettle/rules"
)

// Inputs is what the files are made from.
type Inputs struct {
	// Dir is where they go, absolute. In one other than the installation's
	// (/etc/fettle) everything is kept together, the journal and the socket too.
	Dir       string
	Installed bool // Dir is the installation's
	// Rules is where Prometheus finds the rules that an installation brings; empty: they
	// are written to rules/.
	Rules    string
	From     string
	Today    time.Time
	Clusters []discovery.Cluster
	// Prometheus and Alertmanagers are base URLs; empty: not known.
	Prometheus    string
	PrometheusTLS cluster.TLS
	PrometheusKey string // its token's file
	Interval      time.Duration
	Alertmanagers []string
	Jobs          []discovery.Job
}

// File is one file to write.
type File struct {
	Name    string // below Dir
	Content []byte
	// Secret: for fettle's user alone, and kept where there is one already, as others
	// have its content too.
	Secret bool
	// Does says what it is for.
	Does string
	// Merge is the file of another program that it is to be merged into; empty: none.
	Merge string
}

// Roles are those that a token is made for, and who has it.
func Roles() [][2]string {
	return [][2]string{
		{"webhook", "alertmanager"}, {"metrics", "prometheus"}, {"viewer", "viewer"}, {"operator", "operator"},
	}
}

//go:embed templates/*.yml
var templates embed.FS

// Files makes them. Random is where tokens come from; nil: crypto/rand.
func Files(in Inputs, random io.Reader) ([]File, error) {
	if random == nil {
		random = rand.Reader
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"quote": quote, "path": func(name string) string { return quote(filepath.Join(in.Dir, name)) },
		"socketFits": func() bool { return len(filepath.Join(in.Dir, "fettle.sock")) <= 107 },
		"join":       func(all []string) string { return strings.Join(all, ", ") },
		"quoted": func(all []string) string {
			out := make([]string, len(all))
			for i, s := range all {
				out[i] = quote(s)
			}
			return strings.Join(out, ", ")
		},
		"line": oneLine,
	}).ParseFS(templates, "templates/*.yml")
	if err != nil {
		return nil, err
	}
	files := []File{
		{Name: "fettle.yml", Does: "fettle's configuration: the inventory, autonomy observe, who may do what"},
		{Name: "exporter.yml", Does: "fettle_exporter's configuration: the same inventory, for looking only"},
		{Name: "alertmanager-fettle.yml", Does: "to merge into alertmanager.yml: the route and the receiver", Merge: "alertmanager.yml"},
		{Name: "prometheus-fettle.yml", Does: "to merge into prometheus.yml: what to scrape, and the rules", Merge: "prometheus.yml"},
	}
	for i := range files {
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, files[i].Name, in); err != nil {
			return nil, err
		}
		files[i].Content = b.Bytes()
	}
	names, err := rules.List()
	if err != nil {
		return nil, err
	}
	if in.Rules != "" {
		names = nil
	}
	for _, name := range names {
		content, err := fs.ReadFile(rules.FS(), name)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: "rules/" + name, Content: content, Does: "alert rules for Prometheus"})
	}
	for _, role := range Roles() {
		secret := make([]byte, 32)
		if _, err := io.ReadFull(random, secret); err != nil {
			return nil, fmt.Errorf("no randomness for a token: %w", err)
		}
		files = append(files, File{
			Name: role[0] + ".token", Content: append([]byte(hex.EncodeToString(secret)), '\n'), Secret: true, Does: "the token of role " + role[0],
		})
	}
	return files, nil
}

// quote writes a text from outside as YAML has it between double quotes.
func quote(s string) string { return strconv.QuoteToASCII(s) }

// oneLine is a text from outside, fit for a comment.
func oneLine(s string) string {
	q := strconv.QuoteToGraphic(s)
	return q[1 : len(q)-1]
}
