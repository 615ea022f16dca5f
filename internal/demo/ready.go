package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-io/fettle/cluster/etcd"
	"github.com/fettle-io/fettle/internal/port"
)

// freeAddresses are addresses that are nobody's, by name.
func freeAddresses(names ...string) (map[string]string, error) {
	list, err := port.Addresses(len(names))
	if err != nil {
		return nil, err
	}
	addresses := map[string]string{}
	for i, name := range names {
		addresses[name] = list[i]
	}
	return addresses, nil
}

// awaitMembers waits until each member sees a leader and serves a linearizable read.
func (s *Stage) awaitMembers(ctx context.Context) error {
	d, err := etcd.New(s.Inventory(), etcd.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	return await(ctx, "the etcd cluster to serve", []*child{s.supervisor}, func(ctx context.Context) error {
		for _, m := range s.Specs {
			h, err := d.Health(ctx, m.Name)
			if err != nil {
				return errors.Join(err, s.ended(ctx, m.Name, m.Output))
			}
			if h.Leader == "" || !h.Linearizable {
				return fmt.Errorf("member %s has no leader yet", m.Name)
			}
		}
		return nil
	})
}

// ended is a final error if the member runs no longer.
func (s *Stage) ended(ctx context.Context, member, output string) error {
	st, err := s.Member(ctx, member)
	if err != nil { // the supervisor is not up yet
		return err
	}
	if st.State == "running" {
		return nil
	}
	said, err := os.ReadFile(output)
	if err == nil && strings.Contains(string(said), "address already in use") {
		return finalError{fmt.Errorf("member %s: %w", member, errPortTaken)}
	}
	return finalError{fmt.Errorf("member %s has ended, its output is %s", member, output)}
}

// awaitScrapes waits until Prometheus scrapes every target and sees all members. It
// learns of its targets some 5 s after its start, so its own readiness says little.
func (s *Stage) awaitScrapes(ctx context.Context) error {
	targets := float64(len(s.Specs) + 2)
	watched := append([]*child{s.supervisor, s.serve}, s.others...)
	return await(ctx, "Prometheus to scrape every target", watched, func(ctx context.Context) error {
		if _, err := get(ctx, s.URL("alertmanager")+"/-/ready", ""); err != nil {
			return err
		}
		for query, want := range map[string]float64{
			"sum(up)": targets,
			fmt.Sprintf("sum(max by (member) (fettle_raft_member_reachable{cluster=%q}))", s.Cluster): float64(len(s.Specs)),
		} {
			got, err := s.query(ctx, query)
			if err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("%s is %g, not %g", query, got, want)
			}
		}
		return nil
	})
}

// AwaitWhole waits until the cluster is whole again for Prometheus and for the
// members themselves, and no alert of a member is firing.
func (s *Stage) AwaitWhole(ctx context.Context) error {
	if err := s.awaitMembers(ctx); err != nil {
		return err
	}
	return await(ctx, "the alerts to end", []*child{s.supervisor}, func(ctx context.Context) error {
		alerts, err := s.Alerts(ctx)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Labels["alertname"] == memberDown {
				return fmt.Errorf("%s is %s for %s", memberDown, a.State, a.Labels["member"])
			}
		}
		return nil
	})
}

// memberDown is the alert that a dead or hung member raises.
const memberDown = "FettleRaftMemberDown"

// Alert is one of Prometheus' own alerts.
type Alert struct {
	Labels   map[string]string `json:"labels"`
	State    string            `json:"state"` // pending or firing
	ActiveAt time.Time         `json:"activeAt"`
}

// Alerts are Prometheus' pending and firing alerts.
func (s *Stage) Alerts(ctx context.Context) ([]Alert, error) {
	var out struct {
		Data struct {
			Alerts []Alert `json:"alerts"`
		} `json:"data"`
	}
	err := decode(ctx, s.URL("prometheus")+"/api/v1/alerts", &out)
	return out.Data.Alerts, err
}

// query is the value of a PromQL expression with one sample, 0 with none.
func (s *Stage) query(ctx context.Context, expr string) (float64, error) {
	var out struct {
		Data struct {
			Result []struct {
				Value [2]json.RawMessage `json:"value"` // time, and the value as a string
			} `json:"result"`
		} `json:"data"`
	}
	if err := decode(ctx, s.URL("prometheus")+"/api/v1/query?query="+url.QueryEscape(expr), &out); err != nil || len(out.Data.Result) == 0 {
		return 0, err
	}
	var text string
	if err := json.Unmarshal(out.Data.Result[0].Value[1], &text); err != nil {
		return 0, fmt.Errorf("%s: %w", expr, err)
	}
	return strconv.ParseFloat(text, 64)
}

func decode(ctx context.Context, address string, v any) error {
	body, err := get(ctx, address, "")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// get is a GET with the token in tokenFile, if one is named.
func get(ctx context.Context, address, tokenFile string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if tokenFile != "" {
		token, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", address, res.Status, body)
	}
	return body, err
}
