package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/journal"
)

func (a *API) runs(c *gin.Context) {
	f, err := filter(c, "episode", "playbook", "target", "cluster", "outcome", "open", "since")
	if err != nil {
		a.fail(c, err)
		return
	}
	runs, err := a.o.Backend.Runs(c.Request.Context(), f)
	a.answer(c, runList{runs}, err)
}

func (a *API) run(c *gin.Context) {
	id, err := param(c)
	if err != nil {
		a.fail(c, err)
		return
	}
	run, err := a.o.Backend.Run(c.Request.Context(), id)
	a.answer(c, run, err)
}

func (a *API) episodes(c *gin.Context) {
	f, err := filter(c, "playbook", "target", "cluster", "open", "since")
	if err != nil {
		a.fail(c, err)
		return
	}
	episodes, err := a.o.Backend.Episodes(c.Request.Context(), f)
	a.answer(c, episodeList{episodes}, err)
}

func (a *API) episode(c *gin.Context) {
	id, err := param(c)
	if err != nil {
		a.fail(c, err)
		return
	}
	episode, err := a.o.Backend.Episode(c.Request.Context(), id)
	a.answer(c, episode, err)
}

// plans shows runs as they were opened.
func (a *API) plans(c *gin.Context) {
	f, err := filter(c, "episode", "playbook", "target", "cluster", "outcome", "open", "since")
	if err != nil {
		a.fail(c, err)
		return
	}
	runs, err := a.o.Backend.Runs(c.Request.Context(), f)
	plans := make([]Plan, len(runs))
	for i, r := range runs {
		plans[i] = Plan{
			Run: r.ID, Episode: r.Episode, Playbook: r.Playbook, Target: r.Target,
			Tier: r.Tier, Outcome: r.Outcome, Opened: r.Opened, Steps: r.Steps,
		}
	}
	a.answer(c, planList{plans}, err)
}

// journal shows records as they are written: from a sequence number on, or all
// that are about one run or episode.
func (a *API) journal(c *gin.Context) {
	q, err := query(c, "from", "limit", "about")
	if err != nil {
		a.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	if about := q.Get("about"); about != "" {
		if q.Has("from") || q.Has("limit") {
			a.fail(c, badInput("ask for one of the two", "about does not go together with from and limit"))
			return
		}
		if err := checkID(about); err != nil {
			a.fail(c, err)
			return
		}
		records, err := a.o.Backend.Story(ctx, about)
		if err != nil {
			a.fail(c, err)
			return
		}
		writeRecords(c, records)
		return
	}
	from, err := number(q, "from", 0)
	if err != nil {
		a.fail(c, err)
		return
	}
	limit, err := limitOf(q)
	if err != nil {
		a.fail(c, err)
		return
	}
	records, err := a.o.Backend.Journal(ctx, from, limit)
	if err != nil {
		a.fail(c, err)
		return
	}
	writeRecords(c, records)
}

func (a *API) state(c *gin.Context) {
	state, err := a.o.Backend.State(c.Request.Context())
	a.answer(c, state, err)
}

func (a *API) pauses(c *gin.Context) {
	pauses, err := a.o.Backend.Pauses(c.Request.Context())
	a.answer(c, pauseList{pauses}, err)
}

func (a *API) healthy(c *gin.Context) { reply(c, http.StatusOK, status{"healthy"}) }

// ready is for probes, which have no identity, so it says of why not only what
// everybody may know.
func (a *API) ready(c *gin.Context) {
	if err := a.o.Backend.Ready(c.Request.Context()); err != nil {
		why := "the journal cannot be written, and nothing is taken or repaired"
		if errors.Is(err, journal.ErrFull) {
			why = "the journal's disk is full"
		}
		a.fail(c, &Error{
			Status: http.StatusServiceUnavailable, Message: "not ready: " + why,
			Hint: "GET /api/v1/state and the log say more",
		})
		return
	}
	reply(c, http.StatusOK, status{"ready"})
}

type (
	status struct {
		Status string `json:"status"`
	}
	runList struct {
		Runs []Run `json:"runs"`
	}
	episodeList struct {
		Episodes []Episode `json:"episodes"`
	}
	planList struct {
		Plans []Plan `json:"plans"`
	}
	pauseList struct {
		Pauses []Pause `json:"pauses"`
	}
)

// filter reads the query of a listing.
func filter(c *gin.Context, allowed ...string) (Filter, error) {
	q, err := query(c, append(slices.Clone(allowed), "limit")...)
	if err != nil {
		return Filter{}, err
	}
	f := Filter{
		Episode: q.Get("episode"), Playbook: q.Get("playbook"), Target: q.Get("target"),
		Cluster: q.Get("cluster"), Outcome: q.Get("outcome"),
	}
	for _, value := range []string{f.Episode, f.Playbook, f.Target, f.Cluster, f.Outcome} {
		if value == "" {
			continue
		}
		if err := checkID(value); err != nil {
			return Filter{}, err
		}
	}
	switch open := q.Get("open"); open {
	case "", "false":
	case "true":
		f.Open = true
	default:
		return Filter{}, badInput("leave it out, or say true or false", "open=%+q", shown(open))
	}
	if since := q.Get("since"); since != "" {
		if f.Since, err = time.Parse(time.RFC3339, since); err != nil {
			return Filter{}, badInput("write it like 2026-11-21T02:34:00Z", "since=%+q is no time", shown(since))
		}
	}
	f.Limit, err = limitOf(q)
	return f, err
}
