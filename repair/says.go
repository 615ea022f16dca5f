package repair

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Does says in one line what a step would do, for people: the action with its
// parameters, and of one that the playbook itself describes the command or the request.
// Values from outside are quoted.
func (s PlannedStep) Does() string {
	fill := func(text string) string {
		if s.Undoes != nil && s.Undoes.Was != nil {
			return FillWas(text, *s.Undoes.Was)
		}
		return text
	}
	switch s.Action {
	case ActionExec:
		var x Exec
		if json.Unmarshal(s.Declared, &x) == nil && len(x.Argv) > 0 {
			return "runs " + quoted(x.Argv, fill) + asUser(x.User)
		}
	case ActionHTTP:
		var x HTTP
		if json.Unmarshal(s.Declared, &x) == nil && x.URL != "" {
			text := "sends " + x.Method + " " + strconv.QuoteToASCII(x.URL)
			if x.JSON != "" {
				if filled, err := fillJSON(x.JSON, fill); err == nil {
					text += " with " + strconv.QuoteToASCII(filled)
				}
			}
			return text
		}
	}
	text := "does " + s.Action
	for i, name := range sortedNames(s.With) {
		if i == 0 {
			text += " with "
		} else {
			text += ", "
		}
		text += name + "=" + strconv.QuoteToASCII(s.With[name])
	}
	return text
}

func asUser(user string) string {
	if user == "" {
		return ""
	}
	return " as " + user
}

// quoted is an argument vector as it is: each argument that is not a plain word in
// quotes.
func quoted(argv []string, fill func(string) string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		if out[i] = fill(a); !plainWord(out[i]) {
			out[i] = strconv.QuoteToASCII(out[i])
		}
	}
	return strings.Join(out, " ")
}

func plainWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-=:@,+", r)
	})
}

func sortedNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
