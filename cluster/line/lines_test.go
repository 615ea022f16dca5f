package line

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-io/fettle/cluster"
)

// word is a client that connects itself.
type word struct {
	said   string
	closed int
}

func (w *word) Close() { w.closed++ }

func three() cluster.Cluster {
	return cluster.Cluster{Name: "c", Kind: cluster.KindHAProxy, Members: []cluster.Member{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
}

func words(t *testing.T, o Timing) (*Lines[*word], []*word) {
	t.Helper()
	var all []*word
	l, err := ToMembers(three(), cluster.KindHAProxy, o, func(m cluster.Member) (Options[*word], error) {
		w := &word{said: "I am " + m.Name}
		all = append(all, w)
		return Client(w, nil), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, all
}

// Each has its own row, whoever answers first; who fails, panics or does not answer in
// time costs only its own.
func TestMembersAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := words(t, Timing{})
		begun := time.Now()
		v := l.View(t.Context(), func(ctx context.Context, w *word, row *cluster.MemberView) error {
			switch w.said {
			case "I am a":
				time.Sleep(900 * time.Millisecond)
				row.Reachable, row.Version = true, w.said
				return nil
			case "I am b":
				row.Reachable, row.Version = true, "half of it"
				panic("what is this?")
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the look took %s", took)
		}
		got := fmt.Sprintf("%s %s", v.Cluster, v.Kind)
		for _, m := range v.Members {
			got += fmt.Sprintf("; %s %v %q %q", m.Name, m.Reachable, m.Version, m.Error)
		}
		if want := `c haproxy; a true "I am a" ""; b false "" "protocol"; c false "" "timeout"`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAnswersStandInOrder(t *testing.T) {
	l, all := words(t, Timing{Timeout: time.Minute})
	got := Ask(t.Context(), l, func(ctx context.Context, one *Line[*word]) (said string) {
		_ = one.Do(ctx, func(_ context.Context, w *word) error { // it cannot fail
			said = w.said
			return nil
		})
		return said
	})
	if fmt.Sprint(got) != "[I am a I am b I am c]" {
		t.Errorf("%q", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for _, w := range all {
		if w.closed != 1 {
			t.Errorf("%s: closed %d times", w.said, w.closed)
		}
	}
}

func TestLinesThatCannotBe(t *testing.T) {
	no := errors.New("no such file")
	to := func(m cluster.Member) (o Options[*word], err error) {
		if m.Name == "b" {
			err = no
		}
		return o, err
	}
	if _, err := ToMembers(three(), cluster.KindNginx, Timing{}, to); err == nil || err.Error() != `cluster "c" is of kind "haproxy", not "nginx"` {
		t.Errorf("another kind: %v", err)
	}
	if _, err := ToMembers(three(), cluster.KindHAProxy, Timing{}, to); !errors.Is(err, no) || err.Error() != `cluster "c", member "b": no such file` {
		t.Errorf("a member that cannot be: %v", err)
	}
}
