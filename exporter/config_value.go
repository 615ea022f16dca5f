package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter/value"
)

// Value is a value of the configuration that members of a cluster have, and how it has
// to be. Exactly one of File, Sysctl, Limit, Port and Version says where it stands.
type Value struct {
	Check, Cluster string // names, its labels
	Members        []cluster.Member
	Whole          bool // Members are all that the cluster has

	File   string // a path, in which {member} is the member's name
	Key    string // a setting in File; empty: all of it
	MaxAge time.Duration
	Sysctl string // vm.swappiness
	Limit  string // a file of the unit's cgroup: memory.max
	Cgroup string // the cgroup, below the root of all; empty: that of the member's unit
	Port   int    // somebody listens there
	// Version is what the member itself says of its version, by the look at its cluster.
	Version bool

	Want value.Want
	// Same tells that all members of the cluster have the same.
	Same bool
}

// found is a value as it was read: its text (of a whole file none), its content, the
// SHA-256 of that, and whether it is as it has to be.
type found struct {
	text, sum string
	digest    float64
	ok        bool
}

// read reads the value of one member.
func (v Value) read(h Host, m cluster.Member, now time.Time) (found, error) {
	if v.Port > 0 {
		listens, err := value.Listens(v.Port, h.proc("net/tcp"), h.proc("net/tcp6"))
		return found{ok: listens}, err
	}
	path := v.path(h, m)
	file, err := value.Read(path, value.MaxFile)
	if err != nil {
		return found{}, err
	}
	if err := file.Fresh(path, v.MaxAge, now); err != nil {
		return found{}, err
	}
	if v.Same && file.Private && len(h.Declared.DigestKey) == 0 {
		return found{}, value.Refuse(value.Secret, "not everybody may read %s, so its digest is not told: set digest_key_file, or let everybody read it", path)
	}
	switch {
	case v.Key != "":
		text, err := value.Key(file.Content, v.Key)
		if err != nil {
			return found{}, fmt.Errorf("%s: %w", path, err)
		}
		return v.judge(h, text, []byte(text))
	case v.File == "":
		text := strings.Join(strings.Fields(string(file.Content)), " ")
		return v.judge(h, text, []byte(text))
	default:
		return v.judge(h, "", file.Content)
	}
}

// judge says whether what was read is as it has to be.
func (v Value) judge(h Host, text string, content []byte) (found, error) {
	sum := sha256.Sum256(content)
	f := found{text: text, sum: hex.EncodeToString(sum[:]), digest: value.Digest(content, h.Declared.DigestKey)}
	var err error
	f.ok, err = v.Want.Met(f.text, f.sum, v.Version)
	return f, err
}

// path is the file in which the member's value stands.
func (v Value) path(h Host, m cluster.Member) string {
	switch {
	case v.File != "":
		return h.path(strings.ReplaceAll(v.File, "{member}", m.Name))
	case v.Sysctl != "":
		return h.proc("sys/" + sysctlPath(v.Sysctl))
	case v.Cgroup != "":
		return filepath.Join(h.sys(), "fs/cgroup", v.Cgroup, v.Limit)
	default:
		return filepath.Join(h.sys(), "fs/cgroup", unitCgroup(m.Unit), v.Limit)
	}
}

// sysctlPath is where a kernel's setting stands below /proc/sys: its dots are slashes. A
// name with a slash is a path already, as that of a device whose name has a dot.
func sysctlPath(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return strings.ReplaceAll(name, ".", "/")
}

// unitCgroup is where systemd puts a service that names no slice. Those of one template
// are in a slice of their own.
func unitCgroup(unit string) string {
	if template, _, is := strings.Cut(unit, "@"); is {
		return filepath.Join("system.slice", "system-"+strings.ReplaceAll(template, "-", `\x2d`)+".slice", unit)
	}
	return filepath.Join("system.slice", unit)
}

// valued is one value of one member, the calls to it, and what came of the last one.
type valued struct {
	Value
	member cluster.Member
	labels []string
	flight flight[found]
	failed string // why it could not be read, or was not as declared; empty: it is in order
}

// ask reads it before ctx ends. A file system that hangs costs this value only.
func (v *valued) ask(ctx context.Context, h Host, now time.Time, views map[string]cluster.View) (found, error) {
	if v.Version {
		m, _ := views[v.Cluster].Member(v.member.Name)
		if !m.Reachable || m.Version == "" {
			return found{}, value.Refuse(value.Unreachable, "the member did not tell its version: %s", m.Error)
		}
		return v.judge(h, m.Version, []byte(m.Version))
	}
	return v.flight.do(ctx, func(context.Context) (found, error) { return v.read(h, v.member, now) })
}
