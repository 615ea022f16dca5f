package webhook

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxSeen is how many names a parser remembers, and maxSeenText how long a
	// remembered name or value is, in bytes.
	maxSeen     = 512
	maxSeenText = 512
	// maxScratch is the longest buffer for unquoting that is kept, in bytes.
	maxScratch = 64 << 10
)

// parser reads messages, one after the other. What it remembers between them is
// only for speed.
type parser struct {
	dec     jsontext.Decoder
	scratch []byte // the last text that had escapes in it
	// names are those of fields, labels and annotations so far: alerts are much
	// alike, and most of their texts need not be made again.
	names map[string]*seen
}

// seen is a name that was met, and the last text that stood beside it.
type seen struct{ name, last string }

func newParser() *parser { return &parser{names: map[string]*seen{}} }

// rest lets go of what was read, before the parser is kept for another message.
func (p *parser) rest() {
	p.dec.Reset(bytes.NewReader(nil))
	if cap(p.scratch) > maxScratch {
		p.scratch = nil
	}
	if len(p.names) == maxSeen { // of a sender whose names are always others
		clear(p.names)
	}
}

// bytes reads a string; they are good until the next read.
func (p *parser) bytes() ([]byte, error) {
	if p.dec.PeekKind() != '"' {
		token, err := p.dec.ReadToken()
		if err != nil {
			return nil, readError(err)
		}
		return nil, malformed(&p.dec, "%s instead of a string", kindName(token.Kind()))
	}
	v, err := p.dec.ReadValue()
	if err != nil {
		return nil, readError(err)
	}
	if plain := v[1 : len(v)-1]; bytes.IndexByte(plain, '\\') < 0 {
		return plain, nil
	}
	p.scratch, err = jsontext.AppendUnquote(p.scratch[:0], v)
	return p.scratch, asRead(err)
}

func (p *parser) text() (string, error) {
	b, err := p.bytes()
	return string(b), err
}

// name reads the name of a field, a label or an annotation.
func (p *parser) name() (*seen, error) {
	b, err := p.bytes()
	if err != nil {
		return nil, err
	}
	if s, ok := p.names[string(b)]; ok {
		return s, nil
	}
	s := &seen{name: string(b)}
	if len(b) <= maxSeenText && len(p.names) < maxSeen {
		p.names[s.name] = s
	}
	return s, nil
}

// value reads the text beside a name.
func (p *parser) value(of *seen) (string, error) {
	b, err := p.bytes()
	if err != nil {
		return "", err
	}
	if string(b) == of.last {
		return of.last, nil
	}
	text := string(b)
	if len(b) <= maxSeenText {
		of.last = text
	}
	return text, nil
}

// texts reads an object of strings.
func (p *parser) texts() (map[string]string, error) {
	if err := p.begin('{', "an object"); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for p.dec.PeekKind() != '}' {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if name.name == "" {
			return nil, malformed(&p.dec, "an empty name")
		}
		if all[name.name], err = p.value(name); err != nil {
			return nil, err
		}
	}
	return all, p.end()
}

func (p *parser) count() (uint64, error) {
	token, err := p.dec.ReadToken()
	if err != nil {
		return 0, readError(err)
	}
	if token.Kind() == '0' {
		if n, err := strconv.ParseUint(token.String(), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, malformed(&p.dec, "%s instead of a count", kindName(token.Kind()))
}

func (p *parser) timestamp() (time.Time, error) {
	b, err := p.bytes()
	if err != nil {
		return time.Time{}, err
	}
	var t time.Time
	if err := t.UnmarshalText(b); err != nil {
		return time.Time{}, malformed(&p.dec, "%s is no RFC 3339 time", quoted(string(b)))
	}
	// In UTC, and within the years that can be written again.
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, malformed(&p.dec, "%s is outside of the years 1 to 9999", quoted(string(b)))
	}
	return t, nil
}

func (p *parser) begin(want jsontext.Kind, what string) error {
	token, err := p.dec.ReadToken()
	if err != nil {
		return readError(err)
	}
	if token.Kind() != want {
		return malformed(&p.dec, "%s instead of %s", kindName(token.Kind()), what)
	}
	return p.deep()
}

// end reads the end of an object or an array.
func (p *parser) end() error {
	_, err := p.dec.ReadToken()
	return asRead(err)
}

// skip reads a value that nobody wants to know, and checks it all the same.
func (p *parser) skip() error {
	for depth := p.dec.StackDepth(); ; {
		if _, err := p.dec.ReadToken(); err != nil {
			return readError(err)
		}
		if err := p.deep(); err != nil {
			return err
		}
		if p.dec.StackDepth() == depth {
			return nil
		}
	}
}

func (p *parser) deep() error {
	if p.dec.StackDepth() > maxDepth {
		return tooDeep(p.dec.InputOffset())
	}
	return nil
}

func tooDeep(offset int64) error {
	return &refusal{
		status: http.StatusBadRequest, reason: reasonMalformed,
		Message: fmt.Sprintf("nested deeper than %d levels", maxDepth),
		Where:   fmt.Sprintf("byte %d", offset),
		Hint:    hintShape,
	}
}

func asRead(err error) error {
	if err == nil {
		return nil
	}
	return readError(err)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '0':
		return "a number"
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "something else"
}
