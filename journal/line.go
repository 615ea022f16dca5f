package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A line begins with lineHead and the fields that the fold wants, and ends in
// data and crc. crc is the CRC-32C of the line before crcHead.
const (
	lineHead   = `{"specversion":"1.0"`
	typePrefix = "io.fettle."
	crcHead    = `,"crc":"`
	crcLen     = len(crcHead) + 8 + len(`"}`)
)

// typeName is what a Draft.Type may be. The version .v1 is never spelled out.
var typeName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$`)

// versioned finds the version at the end of a type.
var versioned = regexp.MustCompile(`\.v[0-9]+$`)

// wireType returns the type as it stands in the line.
func wireType(name string) (string, error) {
	if !typeName.MatchString(name) || strings.HasSuffix(name, ".v1") {
		return "", fmt.Errorf("%w: type %q is not a name such as run.planned", ErrRefused, name)
	}
	if versioned.MatchString(name) {
		return typePrefix + name, nil
	}
	return typePrefix + name + ".v1", nil
}

// localType undoes wireType. A foreign type stays whole, and so is unknown.
func localType(wire string) string {
	name, ours := strings.CutPrefix(wire, typePrefix)
	if !ours || !versioned.MatchString(name) {
		return wire
	}
	return strings.TrimSuffix(name, ".v1")
}

// appendLine appends the line of a record to dst, without newline. Its bytes
// are made here, once, and never again from what was parsed. It returns where
// in dst the data begins.
func appendLine(dst []byte, seq uint64, source string, d Draft) ([]byte, int, error) {
	wire, err := wireType(d.Type)
	if err != nil {
		return dst, 0, err
	}
	if err := checkData(d.Data); err != nil {
		return dst, 0, fmt.Errorf("%w: data of %s: %w", ErrRefused, d.Type, err)
	}
	if d.ID == "" {
		return dst, 0, fmt.Errorf("%w: %s has no id", ErrRefused, d.Type)
	}
	if year := d.At.Wall.Year(); year < 0 || year > 9999 {
		return dst, 0, fmt.Errorf("%w: the year %d of %s cannot be written", ErrRefused, year, d.Type)
	}

	begin := len(dst)
	dst = append(dst, lineHead+`,"seq":`...)
	dst = strconv.AppendUint(dst, seq, 10)
	field := func(name, value string) {
		if value == "" || err != nil {
			return // CloudEvents: an attribute is not empty
		}
		dst = append(append(append(dst, `,"`...), name...), `":`...)
		dst, err = jsontext.AppendQuote(dst, value)
	}
	field("type", wire)
	field("subject", d.Subject)
	field("boot", d.At.Boot)
	// A string: CloudEvents' integers end at 2^31, and jq's at 2^53.
	field("boottime", strconv.FormatInt(int64(d.At.Since), 10))
	field("time", d.At.Wall.UTC().Format(time.RFC3339Nano))
	field("id", d.ID)
	field("source", source)
	if err != nil {
		return dst[:begin], 0, fmt.Errorf("%w: %s: %w", ErrRefused, d.Type, err)
	}
	if d.Critical {
		dst = append(dst, `,"critical":true`...)
	}
	dst = append(dst, `,"data":`...)
	data := len(dst)
	if d.Data == nil {
		dst = append(dst, "{}"...)
	} else {
		dst = append(dst, d.Data...)
	}
	dst = appendCRC(dst, dst[begin:])
	if n := len(dst) - begin; n > MaxLine {
		return dst[:begin], 0, fmt.Errorf("%w: %s makes a line of %d bytes, at most %d are taken", ErrRefused, d.Type, n, MaxLine)
	}
	return dst, data, nil
}

// checkData says why data cannot stand in a line.
func checkData(data []byte) error {
	switch v := jsontext.Value(data); {
	case data == nil:
		return nil
	case bytes.IndexByte(data, '\n') >= 0:
		return errors.New("a line break in the JSON")
	case len(data) == 0 || data[0] != '{' || data[len(data)-1] != '}':
		return errors.New("not one compact JSON object")
	case !v.IsValid():
		return errors.New("not valid JSON")
	}
	return nil
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// appendCRC closes a line.
func appendCRC(dst, body []byte) []byte {
	sum := crcOf(body)
	dst = append(dst, crcHead...)
	dst = hex.AppendEncode(dst, binary.BigEndian.AppendUint32(nil, sum))
	return append(dst, `"}`...)
}

// checkCRC returns the line before its crc, or says what is wrong.
func checkCRC(line []byte) ([]byte, error) {
	n := len(line) - crcLen
	if n < len(lineHead) {
		return nil, errors.New("not a record: too short")
	}
	var room [crcLen]byte
	want := appendCRC(room[:0], line[:n])
	if !bytes.Equal(line[n:], want) {
		if !bytes.HasPrefix(line[n:], []byte(crcHead)) {
			return nil, errors.New("not a record: no crc at its end")
		}
		return nil, fmt.Errorf("crc does not fit the line: want %s, found %q",
			want[len(crcHead):crcLen-2], line[n+len(crcHead):len(line)-2])
	}
	return line[:n], nil
}
