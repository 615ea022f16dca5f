package app

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/evidence"
	"github.com/fettle-io/fettle/repair"
)

// keep implements repair.Edges.Keep: what a failed program printed becomes a blob
// beside the journal, without secrets.
func (a *App) keep(ctx context.Context, output []byte) (repair.Evidence, error) {
	cfg, _ := a.running()
	store := evidence.NewStore(cfg.Journal.BlobDir(), a.secrets.redactor().Bytes)
	b, err := store.Put(ctx, bytes.NewReader(output))
	if err != nil {
		return repair.Evidence{}, err
	}
	return repair.Evidence{Digest: b.Digest, Bytes: b.Bytes, Excerpt: b.Excerpt, Truncated: b.Truncated}, nil
}

// redact takes the configured secrets, and what looks like one, out of a text.
func (a *App) redact(text string) string { return a.secrets.redactor().String(text) }

// secrets are what stands in the files that the configuration names for credentials.
// One that was replaced stays a secret for as long as the process lives. The zero
// value knows none.
type secrets struct {
	mu      sync.Mutex
	known   map[string]bool
	current *evidence.Redactor
	config  func() loaded
	tokens  []string // the files that playbooks name
}

// ofPlaybooks adds the tokens that the steps of playbooks are sent with.
func (s *secrets) ofPlaybooks(books []*repair.Playbook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = nil
	for _, p := range books {
		for _, step := range p.Steps {
			if step.HTTP != nil {
				s.tokens = append(s.tokens, step.HTTP.TokenFile)
			}
		}
	}
}

// maxSecret is how much of a file of credentials is read, in bytes.
const maxSecret = 64 << 10

// redactor reads the files again: they are read when they are used, too.
func (s *secrets) redactor() *evidence.Redactor {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.known)
	if s.known == nil {
		s.known = map[string]bool{}
	}
	if s.config != nil {
		s.read(s.config())
	}
	if s.current == nil || len(s.known) != before {
		s.current = evidence.NewRedactor(slices.Collect(maps.Keys(s.known)))
	}
	return s.current
}

func (s *secrets) read(cfg loaded) {
	login := func(l cluster.Login) {
		if text := s.file(l.PasswordFile); text != "" {
			s.known[l.Username+":"+text] = true // as a basic login is encoded
		}
	}
	s.file(cfg.Journal.KeyFile)
	for _, an := range cfg.Journal.Anchors {
		s.file(an.TokenFile)
	}
	for _, c := range cfg.Clusters {
		s.file(c.TLS.KeyFile)
		login(c.Read)
	}
	s.file(cfg.Alertmanager.TokenFile)
	s.file(cfg.Alertmanager.TLS.KeyFile)
	login(cfg.Alertmanager.BasicAuth)
	s.file(cfg.Prometheus.TokenFile)
	s.file(cfg.Prometheus.TLS.KeyFile)
	login(cfg.Prometheus.BasicAuth)
	for _, r := range cfg.Web.Roles {
		s.file(r.TokenFile)
	}
	s.web(cfg.Web.ConfigFile)
	for _, name := range s.tokens {
		s.file(name)
	}
}

// file adds what a file has, and returns it. One that cannot be read is none: who
// needs it says so.
func (s *secrets) file(name string) string {
	if name == "" {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	text := strings.TrimSpace(string(b))
	if err != nil || text == "" {
		return ""
	}
	s.known[text] = true
	return text
}

// web adds the key and the password hashes of Prometheus' web configuration.
func (s *secrets) web(name string) {
	if name == "" {
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return
	}
	var c struct {
		TLS struct {
			KeyFile string `yaml:"key_file"`
			Key     string `yaml:"key"`
		} `yaml:"tls_server_config"`
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if yaml.Unmarshal(text, &c) != nil {
		return
	}
	if key := c.TLS.KeyFile; key != "" && !filepath.IsAbs(key) { // as the door reads it
		c.TLS.KeyFile = filepath.Join(filepath.Dir(name), key)
	}
	s.file(c.TLS.KeyFile)
	if c.TLS.Key != "" {
		s.known[c.TLS.Key] = true
	}
	for _, hash := range c.Users {
		s.known[hash] = true
	}
}
