package etcd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// sample is one line of a metrics page.
type sample struct {
	name  string
	label string // the value of the label that is wanted of this name; "": none is
	value float64
}

// series is a name, and the label that is told with it; "": it has none.
type series struct{ name, label string }

// wants say what is read of a metrics page.
type wants struct {
	series   map[string]series // by name
	families map[string]bool   // by the name that stands in their TYPE
}

// wanting wants these.
func wanting(all ...series) wants {
	w := wants{series: map[string]series{}, families: map[string]bool{}}
	for _, s := range all {
		name := s.name
		w.series[name], w.families[name] = s, true
		for _, suffix := range []string{"_sum", "_count", "_bucket"} {
			if histogram, ok := strings.CutSuffix(name, suffix); ok {
				w.families[histogram] = true
			}
		}
	}
	return w
}

// longestLine of a page that is read, in bytes.
const longestLine = 16 << 10

// scan reads what is wanted from a page in Prometheus' text format; lines that do not
// parse are skipped.
func scan(page *bufio.Reader, w wants) ([]sample, error) {
	r := reading{wants: w, found: make([]sample, 0, 2*len(w.series))}
	for rest := 0; ; { // what the buffer has of a line whose end it has not
		if _, err := page.Peek(rest + 1); err != nil { // or reads on
			if !errors.Is(err, io.EOF) {
				return r.found, err
			}
			last, _ := page.Peek(rest)
			r.line(last)
			return r.found, nil
		}
		there, _ := page.Peek(page.Buffered())
		done := r.lines(there)
		rest = len(there) - done
		if _, err := page.Discard(done); err != nil {
			return r.found, err
		}
	}
}

// reading is a page that is being read. It has thousands of lines, of a hundred families
// of which a dozen are wanted: etcd writes a TYPE before each, and what follows that of
// another is not looked at before the next comment.
type reading struct {
	wants
	found    []sample
	unwanted bool // up to the next comment
}

// lines reads the lines that text has the end of, and returns how much that is.
func (r *reading) lines(text []byte) (done int) {
	for done < len(text) {
		if r.unwanted {
			// Inside of a label it looks like a comment as well, after which everything is
			// looked at until the next one.
			at := bytes.IndexByte(text[done:], '#')
			if at < 0 {
				return len(text)
			}
			r.unwanted, done = false, done+at
		}
		end := bytes.IndexByte(text[done:], '\n')
		if end < 0 {
			break
		}
		r.line(text[done : done+end])
		done += end + 1
	}
	return done
}

func (r *reading) line(line []byte) {
	if rest, ok := bytes.CutPrefix(line, []byte("# TYPE ")); ok {
		family, _, _ := bytes.Cut(rest, []byte(" "))
		r.unwanted = !r.families[string(family)]
		return
	}
	if s, ok := r.parse(line); ok {
		r.found = append(r.found, s)
	}
}

// parse parses `name{label="value",…} 1 timestamp`, if it is wanted: of buckets the one
// that `slow` names.
func (w wants) parse(line []byte) (sample, bool) {
	if len(line) == 0 || line[0] == '#' {
		return sample{}, false
	}
	name, _, _ := bytes.Cut(line, []byte(" "))
	name, _, _ = bytes.Cut(name, []byte("{"))
	wanted, ok := w.series[string(name)]
	rest := line[len(name):]
	if !ok || otherBucket(rest) {
		return sample{}, false
	}
	s := sample{name: wanted.name}
	rest, labelled := bytes.CutPrefix(rest, []byte("{"))
	for labelled && !bytes.HasPrefix(rest, []byte("}")) {
		label, value, after, ok := cutLabel(rest)
		if !ok || wanted.label == "" {
			return sample{}, false
		}
		if string(label) == wanted.label {
			s.label = string(value)
		}
		rest = bytes.TrimLeft(after, ", ")
	}
	if labelled {
		rest = rest[1:]
	}
	text, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	value, err := strconv.ParseFloat(string(text), 64)
	s.value = value
	return s, err == nil && (s.label != "" || wanted.label == "")
}

// otherBucket tells of what follows a name that it is of a bucket that nobody wants.
func otherBucket(labels []byte) bool {
	le, ok := bytes.CutPrefix(labels, []byte(`{le="`))
	return ok && !bytes.HasPrefix(le, []byte(slow+`"`))
}

// cutLabel cuts `name="value"` off.
func cutLabel(text []byte) (name, value, rest []byte, ok bool) {
	name, quoted, ok := bytes.Cut(text, []byte("="))
	if !ok {
		return nil, nil, nil, false
	}
	name = bytes.TrimSpace(name)
	if value, rest, ok := bytes.Cut(bytes.TrimPrefix(quoted, []byte(`"`)), []byte(`"`)); ok && quoted[0] == '"' && !bytes.Contains(value, []byte(`\`)) {
		return name, value, rest, true // nothing is escaped
	}
	prefix, err := strconv.QuotedPrefix(string(quoted))
	if err != nil {
		return nil, nil, nil, false
	}
	unquoted, err := strconv.Unquote(prefix)
	return name, []byte(unquoted), quoted[len(prefix):], err == nil
}
