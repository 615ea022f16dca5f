package value

import (
	"bufio"
	"bytes"
	"strings"
)

// Key finds one setting in a text: KEY=VALUE, KEY: VALUE or KEY VALUE, each on a line of
// its own. SECTION.KEY finds it below a line [SECTION] only. Lines that begin with # or ;
// are comments, and so is what follows " #" behind a value without quotes. A key that
// has several values is refused: which one counts is for its program to say.
func Key(text []byte, key string) (string, error) {
	section, name, sectioned := cutLast(key)
	found, there, current := "", false, ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, MaxFile+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' && strings.HasSuffix(line, "]") {
			current = line[1 : len(line)-1]
			continue
		}
		k, v := setting(line)
		if k != key && (!sectioned || k != name || current != section) {
			continue
		}
		if there && v != found {
			return "", Refuse(Ambiguous, "%s is there with more than one value", key)
		}
		found, there = v, true
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	if !there {
		return "", Refuse(Absent, "%s is not there", key)
	}
	return found, nil
}

// cutLast cuts SECTION.KEY at the last dot.
func cutLast(key string) (section, name string, ok bool) {
	i := strings.LastIndexByte(key, '.')
	if i <= 0 || i == len(key)-1 {
		return "", key, false
	}
	return key[:i], key[i+1:], true
}

// setting takes a line apart.
func setting(line string) (key, value string) {
	end := strings.IndexAny(line, "=: \t")
	if end < 0 {
		return line, ""
	}
	key, rest := line[:end], strings.TrimLeft(line[end:], " \t")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = rest[1:]
	}
	return key, plain(strings.TrimSpace(rest))
}

// plain is a value without quotes and without a comment behind it.
func plain(v string) string {
	if v == "" {
		return ""
	}
	if q := v[0]; q == '"' || q == '\'' {
		if end := strings.IndexByte(v[1:], q); end >= 0 {
			return v[1 : 1+end]
		}
	}
	for _, mark := range []string{" #", "\t#", " ;", "\t;"} {
		v, _, _ = strings.Cut(v, mark)
	}
	return strings.TrimSuffix(strings.TrimSpace(v), ";") // nginx ends its lines so
}
