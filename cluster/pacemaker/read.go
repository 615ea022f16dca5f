package pacemaker

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/cluster/line"
)

const (
	maxNodes     = 100 // that are told of
	maxResources = 200
	maxName      = 128
	maxDepth     = 32 // of elements in one another; crm_mon has 7
	notConnected = 102
)

// Status is what one node says of the cluster.
type Status struct {
	Version string // of the designated controller's Pacemaker
	// Controller is the node that this one calls the designated controller; "": none.
	Controller string
	// Quorum tells that its partition has one.
	Quorum bool
	// Fencing and Maintenance are options of the whole cluster: stonith-enabled and
	// maintenance-mode.
	Fencing, Maintenance bool
	Nodes                []Node     // as they are listed
	Resources            []Resource // by id
	// Failures are operations that failed and were not cleaned up; Bans are constraints
	// that keep a resource away from a node.
	Failures, Bans int
	// LeftOut are nodes and resources that are not told of, because there are too many.
	LeftOut int
}

// Node is a node, as the one that was asked sees it.
type Node struct {
	Name                                           string
	Online, Standby, Maintenance, Pending, Unclean bool
}

// Resource is a resource with all its instances.
type Resource struct {
	ID string
	// On are the nodes on which an instance is active, and Promoted those among them
	// where it is promoted. Both are sorted.
	On, Promoted []string
	// Managed tells that Pacemaker manages every instance.
	Managed bool
	// Failed and Blocked tell of any instance.
	Failed, Blocked bool
	// Disabled tells that it is not to run: its target role is Stopped.
	Disabled bool
}

// read reads what crm_mon --output-as=xml wrote.
func read(text []byte) (*Status, error) {
	r := reader{status: &Status{}, resources: map[string]*Resource{}}
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return r.done()
		}
		if err != nil {
			return nil, line.Because(cluster.BadProtocol, fmt.Errorf("the file is not what crm_mon --output-as=xml writes: %w", err))
		}
		switch t := token.(type) {
		case xml.StartElement:
			if r.path = append(r.path, t.Name.Local); len(r.path) > maxDepth {
				return nil, line.Because(cluster.BadProtocol, errors.New("the file has elements too deep in one another"))
			}
			r.element(attributes(t.Attr))
		case xml.EndElement:
			r.path = r.path[:len(r.path)-1]
		}
	}
}

type attributes []xml.Attr

func (as attributes) get(name string) string {
	for _, a := range as {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (as attributes) is(name string) bool { return as.get(name) == "true" }

// reader is what was read so far, and where: the names of the elements around.
type reader struct {
	path      []string
	status    *Status
	resources map[string]*Resource
	current   *Resource // whose nodes come
	role      string    // of the instance that is read
	code      string    // of the result
	message   string
	summary   bool
}

func (r *reader) element(as attributes) {
	s := r.status
	last := r.path[len(r.path)-1]
	switch strings.Join(r.path[:min(len(r.path), 3)], "/") {
	case "pacemaker-result/status":
		r.code, r.message = as.get("code"), as.get("message")
	case "pacemaker-result/summary/current_dc":
		r.summary = true
		if as.is("present") {
			s.Version, s.Controller, s.Quorum = as.get("version"), as.get("name"), as.is("with_quorum")
		}
	case "pacemaker-result/summary/cluster_options":
		s.Fencing, s.Maintenance = as.is("stonith-enabled"), as.is("maintenance-mode")
	case "pacemaker-result/failures/failure":
		s.Failures++
	case "pacemaker-result/bans/ban":
		s.Bans++
	case "pacemaker-result/nodes/node":
		if len(r.path) == 3 {
			r.node(as)
		}
	case "pacemaker-result/resources/resource", "pacemaker-result/resources/clone", "pacemaker-result/resources/group", "pacemaker-result/resources/bundle":
		if last == "resource" {
			r.resource(as)
		} else if last == "node" && r.path[len(r.path)-2] == "resource" {
			r.runs(as.get("name"))
		}
	}
}

func (r *reader) node(as attributes) {
	if name := as.get("name"); len(r.status.Nodes) == maxNodes || name == "" || len(name) > maxName {
		r.status.LeftOut++
		return
	}
	if slices.ContainsFunc(r.status.Nodes, func(n Node) bool { return n.Name == as.get("name") }) {
		return
	}
	r.status.Nodes = append(r.status.Nodes, Node{
		Name: as.get("name"), Online: as.is("online"), Standby: as.is("standby") || as.is("standby_onfail"),
		Maintenance: as.is("maintenance"), Pending: as.is("pending"), Unclean: as.is("unclean"),
	})
}

// resource takes one instance. Those of a clone have the same id, or, where they are
// told apart, the same up to a colon.
func (r *reader) resource(as attributes) {
	id, _, _ := strings.Cut(as.get("id"), ":")
	r.current, r.role = r.resources[id], as.get("role")
	if r.current == nil {
		if len(r.resources) == maxResources || id == "" || len(id) > maxName {
			r.status.LeftOut++
			return
		}
		r.current = &Resource{ID: id, Managed: true}
		r.resources[id] = r.current
	}
	c := r.current
	c.Managed = c.Managed && as.is("managed")
	c.Failed = c.Failed || as.is("failed")
	c.Blocked = c.Blocked || as.is("blocked")
	c.Disabled = c.Disabled || strings.EqualFold(as.get("target_role"), "Stopped")
}

// runs takes a node on which the instance is that is read.
func (r *reader) runs(node string) {
	if r.current == nil || strings.EqualFold(r.role, "Stopped") {
		return
	}
	r.current.On = append(r.current.On, node)
	if r.role == "Promoted" || r.role == "Master" { // its name until 2.1
		r.current.Promoted = append(r.current.Promoted, node)
	}
}

func (r *reader) done() (*Status, error) {
	code, err := strconv.Atoi(r.code)
	switch {
	case err != nil:
		return nil, line.Because(cluster.BadProtocol, errors.New("the file has no result in it: it is not what crm_mon --output-as=xml writes, or not whole"))
	case code == notConnected:
		return nil, line.Because(cluster.Refused, fmt.Errorf("crm_mon could not ask the node: %s", r.message))
	case code != 0:
		return nil, line.Because(cluster.Other, fmt.Errorf("crm_mon failed with %d: %s", code, r.message))
	case !r.summary:
		return nil, line.Because(cluster.BadProtocol, errors.New("the file has no summary in it: let crm_mon write all sections"))
	}
	for _, res := range r.resources {
		for _, names := range []*[]string{&res.On, &res.Promoted} {
			slices.Sort(*names)
			*names = slices.Compact(*names)
		}
		r.status.Resources = append(r.status.Resources, *res)
	}
	slices.SortFunc(r.status.Resources, func(a, b Resource) int { return strings.Compare(a.ID, b.ID) })
	return r.status, nil
}
