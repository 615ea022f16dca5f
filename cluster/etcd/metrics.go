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
	name   string
	labels map[string]string // nil: none
	value  float64
}

// scan reads the samples with one of those names from a page in Prometheus' text
// format. Lines of other metrics are skipped unread, lines that do not parse too. A page
// has thousands of lines, dozens in a row of one metric: nearly all that a look costs.
// Of histograms only the bucket `slow` is read.
func scan(lines *bufio.Reader, names map[string]bool) ([]sample, error) {
	var found []sample
	var last []byte // the name of the line before
	var wanted bool // whether it is
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return found, err
		}
		if end, ok := nameOf(line, last); ok {
			if !bytes.Equal(line[:end], last) {
				last = append(last[:0], line[:end]...)
				wanted = names[string(last)]
			}
			if wanted && !otherBucket(line[end:]) {
				if s, ok := parseSample(string(bytes.TrimRight(line, "\r\n")), end); ok {
					found = append(found, s)
				}
			}
		}
		if errors.Is(err, io.EOF) { // the page's end
			return found, nil
		}
	}
}

// longestLine of a page that is read, in bytes.
const longestLine = 16 << 10

// otherBucket tells of what follows a name that it is of a bucket that nobody wants.
func otherBucket(labels []byte) bool {
	le, ok := bytes.CutPrefix(labels, []byte(`{le="`))
	return ok && !bytes.HasPrefix(le, []byte(slow+`"`))
}

// nameOf is where the name of a line ends, which most often is that of the line before;
// !ok: it has none.
func nameOf(line, last []byte) (end int, ok bool) {
	if len(line) == 0 || line[0] == '#' {
		return 0, false
	}
	end = len(last)
	if end > 0 && len(line) > end && (line[end] == '{' || line[end] == ' ') && bytes.Equal(line[:end], last) {
		return end, true
	}
	name, _, spaced := bytes.Cut(line, []byte(" "))
	name, _, labelled := bytes.Cut(name, []byte("{"))
	return len(name), len(name) > 0 && (spaced || labelled)
}

// parseSample parses `name{label="value",…} 1 timestamp`; end is the name's.
func parseSample(line string, end int) (sample, bool) {
	s := sample{name: line[:end]}
	rest := line[end:]
	if strings.HasPrefix(rest, "{") {
		s.labels = map[string]string{}
		rest = rest[1:]
		for !strings.HasPrefix(rest, "}") {
			label, after, ok := strings.Cut(rest, "=")
			if !ok {
				return sample{}, false
			}
			quoted, err := strconv.QuotedPrefix(after)
			if err != nil {
				return sample{}, false
			}
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return sample{}, false
			}
			s.labels[strings.TrimSpace(label)] = value
			rest = strings.TrimLeft(after[len(quoted):], ", ")
		}
		rest = rest[1:]
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return sample{}, false
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return sample{}, false
	}
	s.value = value
	return s, true
}
