package webhook

import (
	"fmt"
	"io"
	"net/http"
)

const (
	// maxDepth is how deep values may nest.
	maxDepth = 32
	// maxPiece is how long one alert, or one other field of the message, may
	// be: what has to be held in memory at once.
	maxPiece = 4 << 20
)

// bounds passes JSON on and counts: depth of nesting, and length of a piece.
// The decoder behind it holds a whole token and every name of an open object;
// so it is here that memory is bounded. What is no JSON is the decoder's to
// refuse.
type bounds struct {
	r io.Reader

	offset, piece    int64
	depth            int
	array            bool // the value at depth 2 is an array: its elements are pieces
	inText, escaping bool

	refused error // said again: the decoder may ask more than once
}

func (b *bounds) Read(p []byte) (int, error) {
	if b.refused != nil {
		return 0, b.refused
	}
	n, err := b.r.Read(p)
	for _, c := range p[:n] {
		if b.refused = b.next(c); b.refused != nil {
			return 0, b.refused
		}
	}
	return n, err
}

func (b *bounds) next(c byte) error {
	b.offset++
	if b.piece++; b.piece > maxPiece {
		return &refusal{
			status: http.StatusRequestEntityTooLarge, reason: reasonTooLarge,
			Message: fmt.Sprintf("one alert, or one other field, is longer than %d bytes", maxPiece),
			Where:   fmt.Sprintf("byte %d", b.offset),
			Hint:    "find the rule whose annotations or labels grow so long",
		}
	}
	if b.inText {
		switch {
		case b.escaping:
			b.escaping = false
		case c == '\\':
			b.escaping = true
		case c == '"':
			b.inText = false
		}
		return nil
	}
	switch c {
	case '"':
		b.inText = true
	case '{', '[':
		if b.depth++; b.depth > maxDepth {
			return tooDeep(b.offset)
		}
		if b.depth == 2 {
			b.array = c == '['
		}
	case '}', ']':
		b.depth--
	case ',':
		if b.depth == 1 || b.depth == 2 && b.array {
			b.piece = 0
		}
	}
	return nil
}
