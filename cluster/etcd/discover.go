package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"github.com/fettle-io/fettle/cluster"
)

// Discovered is a cluster as one of its members tells it, for an inventory that is
// still to be written.
type Discovered struct {
	ID      string // of the cluster, hex
	Members []Found
}

// Found is one member of it.
type Found struct {
	ID         string // hex
	Name       string // empty until it started once
	Learner    bool
	ClientURLs []string // that it advertises
	PeerURLs   []string
	// Endpoint is the client URL on which it answered as itself; empty: on none.
	Endpoint string
	// Version is what it runs; empty where it did not answer.
	Version string
	// Error is why it did not answer: the words of MemberView.Error, or "another member".
	Error string
}

// anotherMember is what Found says where a URL leads to somebody else.
const anotherMember = "another member"

// Discover asks the member at endpoint for the membership, and then each member
// itself, on the URLs that it advertises. It changes nothing, and wants no quorum.
// An error says what kept the first one from answering.
func Discover(ctx context.Context, endpoint string, t cluster.TLS, read cluster.Login, o Options) (Discovered, error) {
	asked := cluster.Member{Name: "asked", Endpoint: strings.TrimSuffix(endpoint, "/")}
	d, err := New(cluster.Cluster{Name: "asked", Kind: cluster.KindEtcd, TLS: t, Read: read, Members: []cluster.Member{asked}}, o)
	if err != nil {
		return Discovered{}, err
	}
	defer d.Close() //nolint:errcheck // only read from
	first, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	status, err := d.members[0].status(first)
	if err != nil {
		return Discovered{}, d.whyNot(ctx, asked.Endpoint, err)
	}
	var list []*pb.Member
	err = d.members[0].ask(first, func(ctx context.Context, cc *grpc.ClientConn) error {
		resp, err := pb.NewClusterClient(cc).MemberList(ctx, &pb.MemberListRequest{})
		list = resp.GetMembers()
		return err
	})
	if err != nil {
		return Discovered{}, fmt.Errorf("%s answers, and does not tell its membership: %w", asked.Endpoint, err)
	}
	if askedPeer(list, asked.Endpoint) { // some versions answer there too
		return Discovered{}, errPeerPort(asked.Endpoint)
	}
	out := Discovered{ID: hexID(status.GetHeader().GetClusterId()), Members: make([]Found, len(list))}
	var all sync.WaitGroup
	for i, m := range list {
		urls := m.GetClientURLs()
		if m.GetID() == status.GetHeader().GetMemberId() {
			urls = append([]string{asked.Endpoint}, urls...)
		}
		all.Go(func() {
			out.Members[i] = find(ctx, m, urls, t, func(u string) cluster.Login { return loginAt(u, asked.Endpoint, read) }, o)
		})
	}
	all.Wait()
	slices.SortFunc(out.Members, func(a, b Found) int { return strings.Compare(a.Name+" "+a.ID, b.Name+" "+b.ID) })
	return out, nil
}

// loginAt is what an advertised URL gets of a login: nothing in the clear where the
// first member was asked over TLS. Who listens there is not known yet.
func loginAt(advertised, asked string, read cluster.Login) cluster.Login {
	if isHTTPS(asked) && !isHTTPS(advertised) {
		return cluster.Login{}
	}
	return read
}

func isHTTPS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https"
}

// find asks one member on each of its URLs, until one is answered by it.
func find(ctx context.Context, m *pb.Member, urls []string, t cluster.TLS, read func(url string) cluster.Login, o Options) Found {
	f := Found{ID: hexID(m.GetID()), Name: m.GetName(), Learner: m.GetIsLearner(), ClientURLs: m.GetClientURLs(), PeerURLs: m.GetPeerURLs()}
	if len(urls) == 0 {
		f.Error = "it advertises no client URL"
	}
	for _, u := range urls {
		status, err := statusAt(ctx, strings.TrimSuffix(u, "/"), t, read(u), o)
		switch {
		case err != nil:
			f.Error = reasonOf(err)
		case hexID(status.GetHeader().GetMemberId()) != f.ID:
			f.Error = anotherMember
		default:
			f.Endpoint, f.Version, f.Error = strings.TrimSuffix(u, "/"), status.GetVersion(), ""
			return f
		}
	}
	return f
}

func statusAt(ctx context.Context, endpoint string, t cluster.TLS, read cluster.Login, o Options) (*pb.StatusResponse, error) {
	d, err := New(cluster.Cluster{Name: "asked", Kind: cluster.KindEtcd, TLS: t, Read: read, Members: []cluster.Member{{Name: "asked", Endpoint: endpoint}}}, o)
	if err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // only read from
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return d.members[0].status(ctx)
}

// askedPeer tells that a URL is listed as a peer's, and not as a client's.
func askedPeer(list []*pb.Member, endpoint string) bool {
	has := func(urls []string) bool {
		return slices.ContainsFunc(urls, func(u string) bool { return strings.TrimSuffix(u, "/") == endpoint })
	}
	return slices.ContainsFunc(list, func(m *pb.Member) bool { return has(m.GetPeerURLs()) && !has(m.GetClientURLs()) })
}

func errPeerPort(endpoint string) error {
	return fmt.Errorf("%s is a member's peer port: give its client URL (etcd's --advertise-client-urls, often port 2379)", endpoint)
}

// whyNot says what to do about a first question that was not answered.
func (d *Driver) whyNot(ctx context.Context, endpoint string, err error) error {
	if d.peerPort(ctx, endpoint) {
		return errPeerPort(endpoint)
	}
	var do string
	switch reasonOf(err) {
	case refused:
		do = "nobody listens there: is etcd running, and is this its client URL?"
	case timedOut:
		do = "no answer in time: is it the right host and port, does a firewall drop it, or should it be https?"
	case badTLS:
		do = "TLS failed: --ca-file must be the CA of its certificate, which must name this host; where it wants to know its clients, --cert-file and --key-file"
	case badAuth:
		do = "it wants a login: --username and --password-file, of a user with a role that may read"
	default:
		do = "is it etcd, and is this its client URL?"
	}
	return fmt.Errorf("%s: %s (%w)", endpoint, do, err)
}

// peerPort tells that the URL is a peer's, which lists the members on its own.
func (d *Driver) peerPort(ctx context.Context, endpoint string) bool {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	resp, err := d.get(ctx, endpoint+"/members")
	if err != nil {
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	var list []struct {
		PeerURLs []string `json:"peerURLs"`
	}
	return json.NewDecoder(resp.Body).Decode(&list) == nil && len(list) > 0 && len(list[0].PeerURLs) > 0
}

// ErrNoNames is what an inventory cannot be made of: see Discovered.Named.
var ErrNoNames = errors.New("members cannot be told apart by name")

// Named is nil where each member has a name of its own, which is what labels and the
// inventory call it.
func (d Discovered) Named() error {
	seen := map[string]string{}
	for _, m := range d.Members {
		switch other, twice := seen[m.Name]; {
		case m.Name == "":
			return fmt.Errorf("%w: member %s (peer %s) has no name, because it was added and never started: start it, or take it out (etcdctl member remove %s)", ErrNoNames, m.ID, strings.Join(m.PeerURLs, ", "), m.ID)
		case twice:
			return fmt.Errorf("%w: members %s and %s are both called %q: start each etcd with a --name of its own", ErrNoNames, other, m.ID, m.Name)
		}
		seen[m.Name] = m.ID
	}
	return nil
}
