package redis

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// What an answer may be: INFO of a server has 5 KiB, that of one with a hundred
// modules and replicas 100.
const (
	mostBytes    = 1 << 20
	mostElements = 4096
	mostDepth    = 4
)

// reply is one answer in Redis' protocol, RESP2: a text, a number as text, or a list.
// Nothing (a null) is an empty text.
type reply struct {
	text string
	list []reply
}

// replyError is an error that the server told. The connection is good afterwards.
type replyError struct{ text string }

func (e *replyError) Error() string { return e.text }

// hungUpError is what the server said before it closed the connection.
type hungUpError struct{ said error }

func (e *hungUpError) Error() string { return e.said.Error() }
func (e *hungUpError) Unwrap() error { return e.said }

// usable tells that the server said no, and can be asked again.
func usable(err error) bool {
	_, told := errors.AsType[*replyError](err)
	_, hungUp := errors.AsType[*hungUpError](err)
	return told && !hungUp
}

// conn is a connection that speaks RESP2. It makes room only for what has come in, or
// is allowed to: an answer that promises a billion elements is refused.
type conn struct {
	*line.Stream
	in *bufio.Reader
}

func newConn(s *line.Stream) *conn { return &conn{s, bufio.NewReaderSize(s, 16<<10)} }

// do puts commands at once and returns an answer for each. The error is the first that
// the server told, a *replyError, or one of the connection, after which it cannot be
// used. Answers before a connection's error are lost.
func (c *conn) do(ctx context.Context, commands ...[]string) ([]reply, error) {
	defer c.Bound(ctx)()
	var out []byte
	for _, words := range commands {
		out = head(out, '*', len(words))
		for _, w := range words {
			out = append(append(head(out, '$', len(w)), w...), "\r\n"...)
		}
	}
	if _, err := c.Write(out); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	replies := make([]reply, len(commands))
	var said error
	for i := range replies {
		r, err := c.read(0)
		_, told := errors.AsType[*replyError](err)
		switch {
		case told && said == nil:
			said = fmt.Errorf("%s: %w", commands[i][0], err)
		case err != nil && !told && said != nil:
			return nil, &hungUpError{said} // it said why
		case err != nil && !told:
			return nil, err
		}
		replies[i] = r
	}
	return replies, said
}

// head appends the line before n bytes or n elements.
func head(to []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(to, kind), int64(n), 10), "\r\n"...)
}

func (c *conn) read(depth int) (reply, error) {
	head, err := c.head()
	if err != nil {
		return reply{}, err
	}
	switch kind, rest := head[0], head[1:]; kind {
	case '+', ':':
		return reply{text: rest}, nil
	case '-':
		return reply{}, &replyError{rest}
	case '$':
		return c.bulk(rest)
	case '*':
		return c.array(rest, depth)
	}
	return reply{}, notRedis(head)
}

// head is the first line of an answer, not empty and without its end.
func (c *conn) head() (string, error) {
	text, err := c.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", notRedis(string(text[:64]))
	case errors.Is(err, io.EOF) && len(text) > 0:
		return "", notRedis(string(text))
	case errors.Is(err, io.EOF):
		return "", errors.New("the server hung up")
	case err != nil && len(text) > 0 && text[0] != '+' && text[0] != '-' && text[0] != ':' && text[0] != '$' && text[0] != '*':
		return "", notRedis(string(text)) // it began in another language, and says no more
	case err != nil:
		return "", err
	case len(text) < 3 || text[len(text)-2] != '\r':
		return "", notRedis(string(text))
	}
	return string(text[:len(text)-2]), nil
}

func (c *conn) bulk(length string) (reply, error) {
	n, err := size(length, mostBytes)
	if n < 0 || err != nil {
		return reply{}, err
	}
	if text, err := c.in.Peek(n + 2); err == nil { // it fits: one copy less
		defer func() { _, _ = c.in.Discard(n + 2) }()
		return ended(text)
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, text); err != nil {
		return reply{}, err
	}
	return ended(text)
}

// ended is a text that has its end.
func ended(text []byte) (reply, error) {
	text, ok := bytes.CutSuffix(text, []byte("\r\n"))
	if !ok {
		return reply{}, notRedis(string(text))
	}
	return reply{text: string(text)}, nil
}

func (c *conn) array(length string, depth int) (reply, error) {
	n, err := size(length, mostElements)
	if n < 0 || err != nil {
		return reply{}, err
	}
	if depth == mostDepth {
		return reply{}, line.Because(cluster.TooLarge, fmt.Errorf("an answer with lists %d deep", depth))
	}
	r := reply{list: make([]reply, 0, min(n, 64))}
	for range n {
		e, err := c.read(depth + 1)
		if said, ok := errors.AsType[*replyError](err); ok {
			e = reply{text: said.text} // an element, and the list goes on
		} else if err != nil {
			return reply{}, err
		}
		r.list = append(r.list, e)
	}
	return r, nil
}

// size reads a length; -1 is a null.
func size(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > most:
		return 0, line.Because(cluster.TooLarge, fmt.Errorf("an answer of length %.32s, %d is the most", text, most))
	case err != nil || n < -1:
		return 0, notRedis(text)
	}
	return n, nil
}

func notRedis(text string) error {
	return line.Because(cluster.BadProtocol, fmt.Errorf("this is not Redis: it answers %.64q", text))
}
