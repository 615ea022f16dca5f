package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// parser reads lines back. It is a scanner for what appendLine writes rather
// than a JSON decoder, because start-up reads every line: attributes are
// scalars, data is the last but one, crc the last. Attributes that it does not
// know are passed over, a later version may have added them.
type parser struct {
	// names keeps the few strings that come again in each line.
	names map[string]string
}

// parse reads one line, whose Data and Line then point into it. The crc must
// be right; whether data is valid JSON is not looked at (checkData does).
func (p *parser) parse(line []byte) (Record, error) {
	body, err := checkCRC(line)
	if err != nil {
		return Record{}, err
	}
	r := Record{Line: line}
	rest, ok := bytes.CutPrefix(body, []byte(lineHead))
	if !ok {
		return Record{}, errors.New("not a record: it does not begin with " + lineHead)
	}
	var has struct{ seq, kind, time, id bool }
	for len(rest) > 0 {
		key, value, after, err := attribute(rest)
		if err != nil {
			return Record{}, err
		}
		switch string(key) {
		case "seq":
			r.Seq, err = strconv.ParseUint(string(value), 10, 64)
			has.seq = true
		case "type":
			var s string
			s, err = p.text(value)
			r.Type = localType(s)
			has.kind = true
		case "subject":
			r.Subject, err = unquote(value)
		case "boot":
			r.At.Boot, err = p.text(value)
		case "boottime":
			var ns int64
			ns, err = strconv.ParseInt(string(inner(value)), 10, 64)
			r.At.Since = time.Duration(ns)
		case "time":
			err = r.At.Wall.UnmarshalText(inner(value))
			r.At.Wall = r.At.Wall.UTC()
			has.time = true
		case "id":
			r.ID, err = unquote(value)
			has.id = true
		case "critical":
			r.Critical = string(value) == "true"
		case "data":
			r.Data = value
		}
		if err != nil {
			return Record{}, fmt.Errorf("not a record: %s: %w", key, err)
		}
		rest = after
	}
	if !has.seq || !has.kind || !has.time || !has.id || r.Data == nil {
		return Record{}, errors.New("not a record: seq, type, time, id and data are needed")
	}
	return r, nil
}

var errBroken = errors.New("not a record: its attributes do not follow each other")

// attribute cuts `,"key":value` from the front of b. The value of data is all
// that follows.
func attribute(b []byte) (key, value, rest []byte, err error) {
	if len(b) < 2 || b[0] != ',' || b[1] != '"' {
		return nil, nil, nil, errBroken
	}
	end := bytes.IndexByte(b[2:], '"') + 2
	if end < 2 || end+2 >= len(b) || b[end+1] != ':' {
		return nil, nil, nil, errBroken
	}
	key, b = b[2:end], b[end+2:]
	if string(key) == "data" {
		return key, b, nil, nil
	}
	n := scalar(b)
	if n == 0 {
		return nil, nil, nil, errBroken
	}
	return key, b[:n], b[n:], nil
}

// scalar returns the length of the JSON string, number or literal that b
// begins with, 0 if there is none.
func scalar(b []byte) int {
	if b[0] != '"' {
		if n := bytes.IndexByte(b, ','); n >= 0 {
			return n
		}
		return len(b)
	}
	end := bytes.IndexByte(b[1:], '"') + 1
	if end > 0 && bytes.IndexByte(b[1:end], '\\') < 0 {
		return end + 1
	}
	for i := 1; i < len(b); i++ { // with escapes
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

// text is unquote for values that come again and again.
func (p *parser) text(value []byte) (string, error) {
	if s, ok := p.names[string(value)]; ok {
		return s, nil
	}
	s, err := unquote(value)
	if err != nil {
		return "", err
	}
	if p.names == nil {
		p.names = make(map[string]string)
	}
	if len(p.names) < 1024 { // a bound, should there be no end of them
		p.names[string(value)] = s
	}
	return s, nil
}

func unquote(value []byte) (string, error) {
	if len(value) < 2 || value[0] != '"' {
		return "", errors.New("not a string")
	}
	if in := inner(value); bytes.IndexByte(in, '\\') < 0 {
		return string(in), nil
	}
	b, err := jsontext.AppendUnquote(nil, value)
	return string(b), err
}

// inner is what stands between the quotes, nil if there are none.
func inner(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}
