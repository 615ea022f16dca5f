package mongodb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	opMsg      = 2013
	headerSize = 16
	// Flags of an OP_MSG.
	checksumPresent = 1 << 0
)

// conn is a connection that speaks OP_MSG: one question, one answer.
type conn struct {
	*line.Stream
	last    uint32 // the number of the last question
	version string // told once, at the login
}

// serverError is a command that the server refused. The connection is good afterwards.
type serverError struct {
	command, text string
	code          float64
}

func (e *serverError) Error() string {
	return fmt.Sprintf("%s: %s (%.0f)", e.command, e.text, e.code)
}

func usable(err error) bool {
	_, ok := errors.AsType[*serverError](err)
	return ok
}

// run puts one command to a database, and returns an answer that says ok.
func (c *conn) run(ctx context.Context, db string, command document) (document, error) {
	defer c.Bound(ctx)()
	c.last++
	command = append(command, field{"$db", db})
	out := make([]byte, headerSize, 512)
	out = append(out, 0, 0, 0, 0, 0) // no flags; a section of one document
	out = command.append(out)
	binary.LittleEndian.PutUint32(out, uint32(len(out))) //nolint:gosec // questions are short
	binary.LittleEndian.PutUint32(out[4:], c.last)
	binary.LittleEndian.PutUint32(out[12:], opMsg)
	if _, err := c.Write(out); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	answer, err := c.read()
	if err != nil {
		return nil, err
	}
	if answer.number("ok") != 1 {
		return nil, because(&serverError{command: command[0].key, text: answer.text("errmsg"), code: answer.number("code")})
	}
	return answer, nil
}

func (c *conn) read() (document, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, notMongoDB("it hung up in the middle of an answer's head")
		}
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the server hung up")
		}
		return nil, err
	}
	length, to, code := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:])
	switch {
	case code != opMsg || length < headerSize+10:
		return nil, notMongoDB(fmt.Sprintf("it answers %.32q", head))
	case length > mostBytes:
		return nil, line.Because(cluster.TooLarge, fmt.Errorf("an answer of %d bytes, %d is the most", length, mostBytes))
	case to != c.last:
		return nil, notMongoDB("it answers another question")
	}
	body := make([]byte, length-headerSize)
	if _, err := io.ReadFull(c, body); err != nil {
		return nil, err
	}
	flags := binary.LittleEndian.Uint32(body)
	if flags&^checksumPresent != 0 || body[4] != 0 { // moreToCome was not asked for
		return nil, notMongoDB("an answer in a form that was not asked for")
	}
	if body = body[5:]; flags&checksumPresent != 0 && len(body) >= 4 {
		body = body[:len(body)-4] // TCP has one of its own
	}
	in := reader{body}
	answer, err := in.document(0)
	if err != nil || len(in.b) > 0 {
		return nil, notMongoDB("a document that is cut off, or none")
	}
	return answer, nil
}

func notMongoDB(what string) error {
	return line.Because(cluster.BadProtocol, fmt.Errorf("this is not MongoDB: %s", what))
}

// because gives what the server told a reason.
func because(err *serverError) error {
	switch err.code {
	case 11, 13, 18, 8000, 334: // no such user, not authorized, login failed, Atlas' own, mechanism not available
		return line.Because(cluster.BadAuth, err)
	case 59: // no such command: hello came with 4.4.2
		return line.Because(cluster.BadVersion, err)
	}
	return err
}
