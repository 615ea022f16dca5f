package keepalived

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxInstances of a member are told of.
const maxInstances = 100

// State is what a VRRP instance is in.
type State string

// The states of an instance.
const (
	Init   State = "init"
	Backup State = "backup"
	Master State = "master"
	Fault  State = "fault"
	Other  State = "other" // one that this program does not know
)

// States are all of them, in the order in which they are shown.
func States() []State { return []State{Init, Backup, Master, Fault, Other} }

// Member is what the keepalived of a member says.
type Member struct {
	Instances []Instance // by name
	LeftOut   int        // instances that were not asked for, because there are too many
}

// Instance is a VRRP instance: a router of one virtual router.
type Instance struct {
	Name  string // of vrrp_instance in its configuration, 64 bytes at most
	State State
}

// instanceOf reads the properties of an instance. Its interface declares a string and
// a structure; keepalived 2 sends both as structures.
func instanceOf(properties map[string]any) (Instance, error) {
	called := properties["Name"]
	if fields, ok := called.([]any); ok && len(fields) == 1 {
		called = fields[0]
	}
	name, ok := called.(string)
	if !ok || name == "" || len(name) > 64 || !utf8.ValidString(name) {
		return Instance{}, errors.New("it has no Name that can be used")
	}
	fields, ok := properties["State"].([]any)
	if !ok || len(fields) == 0 {
		return Instance{}, errors.New("it has no State")
	}
	code, ok := fields[0].(uint32)
	if !ok {
		return Instance{}, fmt.Errorf("its State is a %T", fields[0])
	}
	in := Instance{Name: name, State: Other}
	if known := States(); code < uint32(len(known)-1) { //nolint:gosec // there are five
		in.State = known[code]
	}
	return in, nil
}

// nodes are the names of the objects below one, from what Introspect says of it.
func nodes(text string) ([]string, error) {
	var names []string
	part := regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	d := xml.NewDecoder(strings.NewReader(text))
	for depth := 0; ; {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth != 2 || t.Name.Local != "node" {
				continue
			}
			for _, a := range t.Attr {
				if a.Name.Local == "name" && part.MatchString(a.Value) {
					names = append(names, a.Value)
				}
			}
		case xml.EndElement:
			depth--
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("what Introspect says cannot be read: %w", err)
		}
	}
}
