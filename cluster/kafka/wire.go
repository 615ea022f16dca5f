package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

// mostBytes is what an answer may have: the metadata of 60 000 partitions.
const mostBytes = 4 << 20

// api is one kind of question, in the one version in which it is put: Kafka 2.1 to 4.x
// know all of these, and none has the compact encoding of later ones.
type api struct {
	name    string
	key     int16
	version int16
}

// The questions. ApiVersions is answered in version 0 by every broker.
func apiVersions() api      { return api{"ApiVersions", 18, 0} }
func metadata() api         { return api{"Metadata", 3, 5} }
func listOffsets() api      { return api{"ListOffsets", 2, 2} }
func findCoordinator() api  { return api{"FindCoordinator", 10, 1} }
func offsetFetch() api      { return api{"OffsetFetch", 9, 5} }
func describeConfigs() api  { return api{"DescribeConfigs", 32, 1} }
func saslHandshake() api    { return api{"SaslHandshake", 17, 1} }
func saslAuthenticate() api { return api{"SaslAuthenticate", 36, 1} }

// conn is a connection that speaks Kafka's protocol: one question, one answer.
type conn struct {
	*line.Stream
	last   int32     // the number of the last question
	expire time.Time // when the login has to be renewed; zero: never
}

// codeError is an error that a broker told. The connection is good afterwards.
type codeError struct {
	question, text string
	code           int16
}

func (e *codeError) Error() string {
	if e.text != "" {
		return fmt.Sprintf("%s: %s (%d)", e.question, e.text, e.code)
	}
	return fmt.Sprintf("%s: error %d", e.question, e.code)
}

func usable(err error) bool {
	_, ok := errors.AsType[*codeError](err)
	return ok
}

// told is the error of a code; 0 is none.
func told(a api, code int16, text string) error {
	err := &codeError{question: a.name, code: code, text: text}
	switch code {
	case 0:
		return nil
	case 29, 30, 31, 33, 34, 53, 58: // not authorized for topic, group, cluster; SASL; transactional ID
		return line.Because(cluster.BadAuth, err)
	case 35:
		return line.Because(cluster.BadVersion, err)
	}
	return err
}

// ask puts one question, whose body fill writes, and returns what comes after the
// answer's head.
func (c *conn) ask(ctx context.Context, a api, fill func(*writer)) (*reader, error) {
	defer c.Bound(ctx)()
	c.last++
	w := &writer{make([]byte, 4, 256)}
	w.int16(a.key)
	w.int16(a.version)
	w.int32(c.last)
	w.string("fettle")
	fill(w)
	binary.BigEndian.PutUint32(w.b, uint32(len(w.b)-4)) //nolint:gosec // questions are bounded
	if _, err := c.Write(w.b); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		switch {
		case errors.Is(err, io.EOF) && a == saslAuthenticate():
			return nil, line.Because(cluster.BadAuth, fmt.Errorf("%s: the broker hung up: it does not take this login", a.name))
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%s: the broker hung up, as one does that wants a login", a.name)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, notKafka("it hung up in the middle of an answer's head")
		}
		return nil, err
	}
	size, number := binary.BigEndian.Uint32(head[:]), int32(binary.BigEndian.Uint32(head[4:])) //nolint:gosec // the same bits
	switch {
	case number != c.last || size < 4:
		return nil, notKafka(fmt.Sprintf("it answers %.32q", head))
	case size > mostBytes:
		return nil, line.Because(cluster.TooLarge, fmt.Errorf("%s: an answer of %d bytes, %d is the most", a.name, size, mostBytes))
	}
	r := &reader{b: make([]byte, size-4)}
	if _, err := io.ReadFull(c, r.b); err != nil {
		return nil, err
	}
	return r, nil
}

func notKafka(what string) error {
	return line.Because(cluster.BadProtocol, fmt.Errorf("this is not Kafka: %s", what))
}

// well is nil if all of the answer could be read.
func (r *reader) well(a api) error {
	if r.err != nil {
		return notKafka(a.name + ": " + r.err.Error())
	}
	return nil
}
