package gluster

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	// maxReport is how large a report may be: an entry has some 100 bytes in it.
	maxReport = 16 << 20
	// maxAge is how old it may be, where nothing else is declared.
	maxAge = 5 * time.Minute
)

// Summary is what is seen of the pool as a whole: the Detail of its View.
type Summary struct {
	// Reports are those of the declared volumes, in the order of their bricks; nil: no
	// directory with reports is declared.
	Reports []Report
	// Err is why some of them cannot be read.
	Err error
}

// Report is what `gluster volume heal VOLUME info split-brain --xml` said of a volume.
type Report struct {
	Volume string
	// Written is when; zero: there is none on this machine.
	Written time.Time
	// Up tells that it is there, can be read and is of now.
	Up bool
	// Unasked counts the bricks that it could not ask.
	Unasked int
	// Entries counts the files and directories whose copies blame each other; nil: it is not
	// known, since none was found and not all bricks could be asked.
	Entries *float64
}

// summary reads the reports of the declared volumes.
func (d *Driver) summary() *Summary {
	s := &Summary{}
	if d.cluster.Gluster.HealReports == "" {
		return s
	}
	seen := map[string]bool{}
	for _, b := range d.cluster.Gluster.Bricks {
		if seen[b.Volume] {
			continue
		}
		seen[b.Volume] = true
		r, err := d.report(b.Volume)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // only some machines have one
			s.Err = errors.Join(s.Err, fmt.Errorf("split brain of volume %q: %w", b.Volume, err))
		}
		s.Reports = append(s.Reports, r)
	}
	return s
}

func (d *Driver) report(volume string) (Report, error) {
	r := Report{Volume: volume}
	oldest := d.cluster.Gluster.MaxAge
	if oldest <= 0 {
		oldest = maxAge
	}
	w, err := line.ReadFile(filepath.Join(d.cluster.Gluster.HealReports, volume+".xml"), maxReport)
	r.Written = w.At
	if err == nil {
		err = w.Fresh(d.now(), oldest)
	}
	if err == nil {
		err = r.read(w.Text)
	}
	r.Up = err == nil
	return r, err
}

// said is the form of what gluster says.
type said struct {
	XMLName xml.Name `xml:"cliOutput"`
	Bricks  []struct {
		Status  string `xml:"status"`
		Entries string `xml:"numberOfEntries"`
		Files   []struct {
			GFID string `xml:"gfid,attr"`
		} `xml:"file"`
	} `xml:"healInfo>bricks>brick"`
	Code *int   `xml:"opRet"`
	Why  string `xml:"opErrstr"`
}

// read counts the entries once, though each brick names them.
func (r *Report) read(text []byte) error {
	bad := func(what string) error {
		return line.Because(cluster.BadProtocol, errors.New("the file is not what `gluster volume heal VOLUME info split-brain --xml` writes: "+what))
	}
	var s said
	if err := xml.Unmarshal(text, &s); err != nil {
		return bad(err.Error())
	}
	switch {
	case s.Code == nil:
		return bad("it has no result in it, or is not whole")
	case *s.Code != 0:
		return line.Because(cluster.Other, fmt.Errorf("gluster failed with %d: %.200s", *s.Code, s.Why))
	case len(s.Bricks) == 0:
		return bad("it names no brick")
	}
	entries, unasked := map[string]bool{}, 0
	for _, b := range s.Bricks {
		if n, err := strconv.Atoi(b.Entries); b.Status != "Connected" {
			unasked++
		} else if err != nil || n != len(b.Files) {
			return bad("the number of a brick's entries is another one than those that it lists")
		}
		for _, f := range b.Files {
			entries[f.GFID] = true
		}
	}
	r.Unasked = unasked
	if n := float64(len(entries)); n > 0 || unasked == 0 {
		r.Entries = &n
	}
	return nil
}
