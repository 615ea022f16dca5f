package etcd

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

// sample is one line of a metrics page.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

// scan reads the samples with one of those names from a page in Prometheus' text
// format. Lines of other metrics are skipped unread, lines that do not parse too. A page
// has thousands of lines, dozens in a row of one metric: nearly all that a look costs.
func scan(r io.Reader, names map[string]bool) ([]sample, error) {
	var found []sample
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 16<<10), 1<<20)
	var last []byte // the name of the line before
	var wanted bool // whether it is
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		end := len(last)
		if end == 0 || len(line) <= end || line[end] != '{' && line[end] != ' ' || !bytes.Equal(line[:end], last) {
			name, _, _ := bytes.Cut(line, []byte(" "))
			name, _, _ = bytes.Cut(name, []byte("{"))
			if len(name) == 0 || len(name) == len(line) {
				continue
			}
			end = len(name)
			last = append(last[:0], name...)
			wanted = names[string(last)]
		}
		if !wanted {
			continue
		}
		if s, ok := parseSample(string(line), end); ok {
			found = append(found, s)
		}
	}
	return found, lines.Err()
}

// parseSample parses `name{label="value",…} 1 timestamp`; end is the name's.
func parseSample(line string, end int) (sample, bool) {
	s := sample{name: line[:end], labels: map[string]string{}}
	rest := line[end:]
	if strings.HasPrefix(rest, "{") {
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
