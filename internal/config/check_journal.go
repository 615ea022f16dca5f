package config

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/internal/inventory"
	"github.com/fettle-io/fettle/internal/strictyaml"
)

var journalID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (k check) journal() {
	at, j := strictyaml.Path{"journal"}, k.config.Journal
	k.needed(at.Join("dir"), j.Dir)
	k.needed(at.Join("key_file"), j.KeyFile)
	if inside(j.Dir, j.KeyFile) {
		k.doc.Errorf(at.Join("key_file"), "key_file %s is inside the journal's directory: who can copy the journal could then sign it, put the key elsewhere", strictyaml.Clip(j.KeyFile))
	}
	if j.ID != "" && !journalID.MatchString(j.ID) {
		k.doc.Errorf(at.Join("id"), "id %s is no journal's id: copy it from what `fettle journal init` printed", strictyaml.Clip(j.ID))
	}
	k.beside(at.Join("blobs"), j.Blobs)
	k.beside(at.Join("archive", "dir"), j.Archive.Dir)
	if j.Archive.Keep < 1 {
		k.doc.Errorf(at.Join("archive", "keep"), "keep is %d: at least the open segment stays in the journal", j.Archive.Keep)
	}
	if j.Archive.Dir == "" && k.doc.Has(at.Join("archive", "keep")) {
		k.doc.Errorf(at.Join("archive"), "archive has no dir: write where old segments go")
	}
	if j.AnchorEvery < time.Second {
		k.doc.Errorf(at.Join("anchor_every"), "anchor_every %s is shorter than 1s, and a checkpoint is signed once a second: give it more", j.AnchorEvery)
	}
	for i, a := range j.Anchors {
		k.anchor(at.Join("anchors", i), a)
		if slices.Contains(j.Anchors[:i], a) {
			k.doc.Errorf(at.Join("anchors", i), "this anchor is there twice: keep one")
		}
	}
	k.needed(strictyaml.Path{"brake"}, k.config.Brake)
}

func (k check) anchor(at strictyaml.Path, a Anchor) {
	set := 0
	for _, s := range []string{a.File, a.URL, a.Syslog} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		k.doc.Errorf(at, "the anchor needs exactly one of file, url and syslog: it has %d", set)
	}
	k.beside(at.Join("file"), a.File)
	if a.URL != "" {
		k.url(at.Join("url"), a.URL)
	}
	if a.TokenFile != "" && a.URL == "" {
		k.doc.Errorf(at.Join("token_file"), "token_file is for a url, and the anchor has none")
	}
	k.path(at.Join("token_file"), a.TokenFile)
	if _, _, ok := a.SyslogAddress(); a.Syslog != "" && !ok {
		k.doc.Errorf(at.Join("syslog"), "syslog %s is no place to send to: write local, udp://host:port or tcp://host:port", strictyaml.Clip(a.Syslog))
	}
}

// SyslogAddress is network and address of Syslog, as net.Dial takes them; ok is
// false where it is none.
func (a Anchor) SyslogAddress() (network, address string, ok bool) {
	if a.Syslog == "local" {
		return "unixgram", "/dev/log", true
	}
	u, err := url.Parse(a.Syslog)
	if err != nil || u.Scheme != "udp" && u.Scheme != "tcp" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return "", "", false
	}
	host, port, err := net.SplitHostPort(u.Host)
	n, bad := strconv.ParseUint(port, 10, 16)
	return u.Scheme, u.Host, err == nil && bad == nil && host != "" && n > 0
}

// beside checks a path for what is kept apart from the journal's own files.
func (k check) beside(at strictyaml.Path, path string) {
	k.path(at, path)
	if path != "" && (inside(k.config.Journal.Dir, path) || inside(path, k.config.Journal.Dir)) && inventory.PathProblem(path) == "" {
		k.doc.Errorf(at, "%s %s and the journal's directory are inside each other: keep them apart", at[len(at)-1], strictyaml.Clip(path))
	}
}

// inside tells whether path is dir, or somewhere below it.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
