package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-io/fettle/cluster"
	"github.com/fettle-io/fettle/internal/service"
	"github.com/fettle-io/fettle/repair"
)

// request is a declared request.
type request struct {
	Deps
	says    repair.HTTP
	private []netip.Prefix
	undoes  bool
	before  *string // of an undo: the value that was overwritten
	sent    *requests
}

func (d Deps) openHTTP(sent *requests) func(json.RawMessage, *repair.Undoes) (way, repair.ActionSpec, error) {
	return func(declared json.RawMessage, u *repair.Undoes) (way, repair.ActionSpec, error) {
		r := request{Deps: d, sent: sent}
		if err := json.Unmarshal(declared, &r.says); err != nil {
			return nil, repair.ActionSpec{}, fmt.Errorf("what the step declares cannot be read: %w", err)
		}
		if r.says.URL == "" {
			return nil, repair.ActionSpec{}, errors.New("the step declares no request")
		}
		for _, text := range r.says.Private {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, repair.ActionSpec{}, err
			}
			r.private = append(r.private, p)
		}
		if u != nil {
			r.undoes, r.before = true, u.Was
			if r.before == nil && r.says.Was != nil {
				return nil, repair.ActionSpec{}, errors.New("it puts back an old value, and none was recorded")
			}
		}
		return r, spec(r.says.Disturbs, r.says.Takes), nil
	}
}

func (r request) timeout() time.Duration {
	if r.says.Timeout > 0 {
		return r.says.Timeout
	}
	return repair.DefaultTimeout
}

// reaches: who is asked stands in the playbook.
func (r request) reaches(cluster.Target) error { return nil }

func (r request) looks() bool { return r.says.Unless != nil || r.undoes && r.says.Was != nil }

// inOrder implements way: all that is declared must say so.
func (r request) inOrder(ctx context.Context) (bool, string, error) {
	var says []string
	all := true
	if r.says.Unless != nil {
		yes, text, err := r.unless(ctx, *r.says.Unless)
		if err != nil {
			return false, "", err
		}
		all, says = yes, append(says, text)
	}
	if r.undoes && r.says.Was != nil {
		v, err := r.was(ctx)
		switch {
		case err != nil:
			return false, "", err
		case *v == *r.before:
			says = append(says, "the old value is back")
		default:
			all, says = false, append(says, "the old value is not back")
		}
	}
	return all, strings.Join(says, "; "), nil
}

func (r request) unless(ctx context.Context, l repair.HTTPLook) (yes bool, says string, err error) {
	a, err := r.get(ctx, l)
	if err != nil {
		return false, "", err
	}
	want := l.Expect
	if want == 0 {
		want = http.StatusOK
	}
	switch {
	case a.status != want && a.status >= http.StatusInternalServerError:
		return false, "", fmt.Errorf("%s answers %d: it cannot be told whether it is in order", a.from, a.status)
	case a.status != want:
		return false, fmt.Sprintf("%s answers %d", a.from, a.status), nil
	case l.Pointer == "":
		return true, fmt.Sprintf("%s answers %d", a.from, a.status), nil
	}
	v, there, err := valueAt(a.body, l.Pointer)
	switch {
	case err != nil:
		return false, "", fmt.Errorf("%s: %w", a.from, err)
	case !there:
		return false, fmt.Sprintf("%s has nothing at %s", a.from, l.Pointer), nil
	case l.Equals != nil && v != *l.Equals:
		return false, fmt.Sprintf("%s has another value at %s", a.from, l.Pointer), nil
	}
	return true, fmt.Sprintf("%s has what is wanted at %s", a.from, l.Pointer), nil
}

// was implements way.
func (r request) was(ctx context.Context) (*string, error) {
	l := r.says.Was
	if l == nil {
		return nil, nil
	}
	a, err := r.get(ctx, *l)
	if err != nil {
		return nil, err
	}
	if want := l.Expect; a.status != want && (want != 0 || a.status != http.StatusOK) {
		return nil, fmt.Errorf("%s answers %d", a.from, a.status)
	}
	text, there, err := valueAt(a.body, l.Pointer)
	if err == nil && !there {
		err = fmt.Errorf("there is nothing at %s", l.Pointer)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.from, err)
	}
	v, err := oldValue(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.from, err)
	}
	return v, nil
}

func (r request) get(ctx context.Context, l repair.HTTPLook) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, min(lookTimeout, r.timeout()))
	defer cancel()
	a, _, err := r.send(ctx, http.MethodGet, l.URL, nil, "", "")
	return a, err
}

// begin implements way. How it went is for watch to tell: an answer is not an outcome.
func (r request) begin(ctx context.Context, in repair.Intent) error {
	name := executionName(in)
	if !r.sent.begin(name) {
		return fmt.Errorf("%s: %w", name, service.ErrExists)
	}
	went := service.Execution{State: service.Untold, Exit: -1, Says: "it cannot be told whether it was sent"}
	defer func() { r.sent.end(name, went) }() // whatever happens
	ctx, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	body, kind, err := r.body()
	if err != nil {
		went.State, went.Says = service.Gone, "nothing was sent: "+err.Error()
		return err
	}
	a, begun, err := r.send(ctx, r.says.Method, r.says.URL, r.says.Headers, body, kind)
	switch {
	case err != nil && !begun:
		went.State, went.Says = service.Gone, "nothing was sent: "+err.Error()
	case err != nil:
		went.Says = "it was sent, and no answer came: " + err.Error()
	case r.expected(a.status):
		went = service.Execution{State: service.Ended, Says: fmt.Sprintf("%s answered %d", a.from, a.status)}
	default:
		err = fmt.Errorf("%s answered %d, which is not expected", a.from, a.status)
		went = service.Execution{State: service.Ended, Exit: a.status, Says: err.Error()}
	}
	return err
}

// body is what is sent, and its type.
func (r request) body() (text, kind string, err error) {
	if r.says.JSON == "" {
		return r.says.Body, "text/plain; charset=utf-8", nil
	}
	text = r.says.JSON
	if r.undoes && r.before != nil {
		text, err = repair.FillWasJSON(text, *r.before)
	}
	return text, "application/json", err
}

func (r request) expected(status int) bool {
	if len(r.says.Expect) > 0 {
		return slices.Contains(r.says.Expect, status)
	}
	return status >= 200 && status < 300
}

// watch implements way.
func (r request) watch(_ context.Context, in repair.Intent) (service.Execution, error) {
	return r.sent.how(executionName(in)), nil
}

// requests remembers how those of this process went.
type requests struct {
	mu    sync.Mutex
	known map[string]service.Execution
	order []string
}

// maxRequests is how many are remembered: those of open intents are the youngest.
const maxRequests = 256

func (s *requests) begin(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]service.Execution{}
	}
	if _, ok := s.known[name]; ok {
		return false
	}
	s.known[name] = service.Execution{State: service.Running, Exit: -1, Says: "the answer is waited for"}
	if s.order = append(s.order, name); len(s.order) > maxRequests {
		delete(s.known, s.order[0])
		s.order = slices.Delete(s.order, 0, 1)
	}
	return true
}

func (s *requests) end(name string, e service.Execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[name] = e
}

// how is how a request went; of one that an earlier process sent nobody knows.
func (s *requests) how(name string) service.Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.known[name]; ok {
		return e
	}
	return service.Execution{State: service.Untold, Exit: -1, Says: "an earlier process sent it, if anybody did"}
}
