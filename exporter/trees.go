package exporter

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/exporter/tree"
	"github.com/fettle-io/fettle/exporter/value"
)

// Tree is a file tree of which every member of a cluster has a copy.
type Tree struct {
	Cluster string
	Source  string // the member whose copy the others follow
	// Members are those whose copy is on this machine, each in its DataDir.
	Members []cluster.Member
	// Every is how often they are walked, and Settle how long a file has to be at rest to
	// be compared.
	Every, Settle time.Duration
}

const (
	// stepTime is how much of a scrape a walk may take.
	stepTime = 100 * time.Millisecond
	// keptWalks is for how many intervals the last walk counts.
	keptWalks = 3
)

// Trees are all trees of which this machine has a copy, with the walks under way. The
// collectors tree and sync tell of the same ones.
type Trees struct {
	copies   []*copied
	patience time.Duration
	now      func() time.Time
}

// copied is one copy.
type copied struct {
	Tree
	member cluster.Member
	labels []string
	walker *tree.Walker
	flight flight[[]tree.Result]

	mu     sync.Mutex
	failed string // why it could not be read last; only a change is logged
}

// treeView is what is known of a copy: its last walks, the newest last, or why there is
// nothing to be known.
type treeView struct {
	*copied
	results []tree.Result
	reason  value.Reason // empty: the root could be read
}

// NewTrees makes the trees of a host, and walks nothing yet. now is the clock; nil: that of
// the system.
func NewTrees(all []Tree, h Host, now func() time.Time) *Trees {
	if now == nil {
		now = time.Now
	}
	t := &Trees{patience: patience, now: now}
	for _, one := range all {
		for _, m := range one.Members {
			t.copies = append(t.copies, &copied{
				Tree: one, member: m, labels: []string{one.Cluster, m.Name},
				walker: tree.NewWalker(h.path(m.DataDir), tree.Options{Every: one.Every, Settle: one.Settle, Now: now}),
			})
		}
	}
	return t
}

// Copies is how many copies are walked.
func (t *Trees) Copies() int { return len(t.copies) }

// look goes on with every walk for a moment, and says what is known then. A copy on a
// file system that hangs costs a moment once, and only its own series.
func (t *Trees) look(ctx context.Context, log *slog.Logger) []treeView {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	views := make([]treeView, len(t.copies))
	var steps sync.WaitGroup
	for i, c := range t.copies {
		steps.Go(func() {
			results, err := c.flight.do(ctx, func(ctx context.Context) ([]tree.Result, error) {
				ctx, cancel := context.WithTimeout(ctx, stepTime)
				defer cancel()
				err := c.walker.Step(ctx)
				return slices.Clone(c.walker.Results()), err // the next step changes them
			})
			views[i] = treeView{c, fresh(results, t.now(), c.Every), ""}
			switch {
			case errors.Is(err, errLate):
				views[i].reason = value.Late
			case err != nil:
				views[i].reason = value.ReasonOf(err)
			}
			c.note(string(views[i].reason), err, log)
		})
	}
	steps.Wait()
	return views
}

// fresh are the walks that still count.
func fresh(results []tree.Result, now time.Time, every time.Duration) []tree.Result {
	results = slices.Clone(results) // a scrape beside this one has the same
	return slices.DeleteFunc(results, func(r tree.Result) bool { return now.Sub(r.End) > keptWalks*every })
}

func (c *copied) note(failed string, err error, log *slog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if failed == c.failed {
		return
	}
	c.failed = failed
	log = log.With("cluster", c.Cluster, "member", c.member.Name)
	if failed == "" {
		log.Info("A file tree can be read again")
	} else {
		log.Warn("A file tree cannot be read", "reason", failed, "err", err)
	}
}

// isSource tells that the others follow this copy.
func (v treeView) isSource() bool { return v.member.Name == v.Source }

// followed is how one copy follows its source.
type followed struct {
	*copied
	cluster.Sync
}

// follow says of each copy how it follows its source, where this machine has that, too.
// The order is always the same.
func follow(views []treeView) []followed {
	var all []followed
	for _, source := range views {
		if !source.isSource() {
			continue
		}
		for _, v := range views {
			if v.Tree.Cluster == source.Tree.Cluster {
				all = append(all, followed{v.copied, v.sync(source)})
			}
		}
	}
	return all
}

// sync says how a copy follows. What cannot be compared with its source, because one of
// the two was not walked through yet, is not up: nobody can say how far it is.
func (v treeView) sync(source treeView) cluster.Sync {
	if v.isSource() {
		walked := len(v.results) > 0
		return cluster.Sync{Role: cluster.Primary, Up: walked, Running: walked}
	}
	d, known := tree.Compare(source.results, v.results)
	return cluster.Sync{
		Role: cluster.Replica, Source: v.Source, Up: known, Running: d.Same,
		Seconds: d.Seconds, Entries: d.Files, Bytes: d.Bytes,
	}
}
