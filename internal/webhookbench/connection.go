package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// sendTimeout is for one message and its answer; it is longer than a server may
// take to persist it.
const sendTimeout = 90 * time.Second

// connection is one kept-open HTTP/1.1 connection. It does what a load needs and
// no more: net/http's client would take as much of the two processors as the
// server that is measured.
type connection struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

// send sends one message and returns the answer's status. After an error the next
// send connects again.
func (c *connection) send(ctx context.Context, p []byte) (status int, err error) {
	if c.conn == nil {
		if c.conn, err = (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", c.address); err != nil {
			c.conn = nil
			return 0, err
		}
		c.in = bufio.NewReaderSize(c.conn, 4<<10)
	}
	if err = c.conn.SetDeadline(time.Now().Add(sendTimeout)); err != nil {
		return 0, errors.Join(err, c.close())
	}
	if _, err = c.conn.Write(p); err != nil {
		return 0, errors.Join(err, c.close())
	}
	status, kept, err := c.answer()
	if err != nil || !kept {
		err = errors.Join(err, c.close())
	}
	return status, err
}

// answer reads one answer whole. kept tells that the server keeps the connection.
func (c *connection) answer() (status int, kept bool, err error) {
	line, err := c.line()
	if err != nil {
		return 0, false, err
	}
	_, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	if status, err = strconv.Atoi(code); err != nil {
		return 0, false, fmt.Errorf("the answer begins with %q", line)
	}
	length, kept := int64(-1), true
	for {
		if line, err = c.line(); err != nil {
			return 0, false, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.ParseInt(value, 10, 64); err != nil {
				return 0, false, err
			}
		case strings.EqualFold(name, "Connection"):
			kept = !strings.EqualFold(value, "close")
		}
	}
	if length < 0 {
		return 0, false, errors.New("an answer without Content-Length")
	}
	_, err = io.CopyN(io.Discard, c.in, length)
	return status, kept, err
}

func (c *connection) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	return strings.TrimRight(string(line), "\r\n"), err
}

func (c *connection) close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn, c.in = nil, nil
	return err
}
