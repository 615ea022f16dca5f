package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/internal/anchor"
	"github.com/fettle-io/fettle/journal"
)

// anchorTimeout bounds the asking of an anchor's URL.
const anchorTimeout = 30 * time.Second

// anchors are checkpoints that were kept elsewhere.
type anchors struct {
	place, tokenFile string
}

func (a *anchors) flags(clause *kingpin.CmdClause, help string) {
	clause.Flag("anchor", help+" A checkpoint, a file of them, or lines of syslog; a file or a URL.").PlaceHolder("FILE|URL").StringVar(&a.place)
	clause.Flag("anchor-token-file", "A file with a bearer token for that URL.").PlaceHolder("FILE").StringVar(&a.tokenFile)
}

// read is nil where none were named.
func (a *anchors) read(ctx context.Context) ([][]byte, error) {
	if a.place == "" {
		return nil, nil
	}
	notes, err := a.notes(ctx)
	if err != nil {
		return nil, fmt.Errorf("--anchor: %w", err)
	}
	return notes, nil
}

func (a *anchors) notes(ctx context.Context) ([][]byte, error) {
	if !strings.HasPrefix(a.place, "http://") && !strings.HasPrefix(a.place, "https://") {
		f, err := os.Open(a.place)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // read only
		return anchor.Notes(f)
	}
	from := anchor.URL{URL: a.place}
	if a.tokenFile != "" {
		token, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return nil, err
		}
		from.Transport = bearer(strings.TrimSpace(string(token)))
	}
	ctx, cancel := context.WithTimeout(ctx, anchorTimeout)
	defer cancel()
	text, err := from.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.place, err)
	}
	return anchor.Notes(bytes.NewReader(text))
}

// bearer is a token that goes with every request.
type bearer string

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// latest is the note over the most records, by what it says of itself.
func latest(notes [][]byte) []byte {
	var newest []byte
	var size uint64
	for _, n := range notes {
		if c, err := anchor.Parse(n); err == nil && c.Size >= size {
			newest, size = n, c.Size
		}
	}
	return newest
}

// contained demands that the journal in dir contains every one of the notes.
func contained(dir, key string, notes [][]byte) error {
	keys, err := journal.ReadKeys(dir, key)
	if err != nil {
		return err
	}
	tree, err := journal.ReadTree(dir)
	if err != nil {
		return err
	}
	for _, n := range notes {
		c, err := keys.Open(n)
		if err != nil {
			return fmt.Errorf("anchor: %w", err)
		}
		root, err := tree.Root(c.Size)
		if err != nil {
			return fmt.Errorf("anchor over %d records: %w", c.Size, err)
		}
		if root != c.Root {
			return fmt.Errorf("the first %d records do not have the root that an anchor over them was signed with: %w", c.Size, errOther)
		}
	}
	return nil
}

// errOther says that a journal is another one than it was.
var errOther = errors.New("this is not the history that it was then")
