package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
)

const (
	perPage = 50
	maxPage = 1_000_000
)

// repairsPage is what was done, what is being done, and what was not dared.
type repairsPage struct {
	State    api.State
	Live     []api.Run
	Runs     []api.Run // of this page
	Known    int       // runs that the engine's state has
	Since    time.Time // the oldest of them
	Pages    pager
	Timeline *timeline
	Outcomes *columns
	Refusals []refusalRow
	Owed     []api.Undo // what is to be taken back, the oldest first
	OwedLeft int        // and is not shown
	Figures  figures
	Asked    struct{ Outcomes, Refusals *columns }
}

// refusalRow is one reason for which nothing was done.
type refusalRow struct {
	Guard, Reason string
	// Runs ended with it; Episodes are open now and wait for it.
	Runs, Episodes int
	// Example leads to the newest story that it stands in.
	Example string
	Detail  string
	Passing string
}

// pager is where one page of a list stands. Pages count from 1.
type pager struct {
	Page, Of int
	Base     string // path and query up to the number
}

// Prev and Next are the numbers beside it, 0: there is none.
func (p pager) Prev() int { return p.Page - 1 }

// Next see Prev.
func (p pager) Next() int {
	if p.Page >= p.Of {
		return 0
	}
	return p.Page + 1
}

func (k *Console) repairs(c *gin.Context) {
	ctx := c.Request.Context()
	at, err := pageNumber(c)
	if err != nil {
		k.fail(c, err)
		return
	}
	p := repairsPage{Figures: k.figures.get(ctx)}
	if p.State, err = k.o.Backend.State(ctx); err != nil {
		k.fail(c, err)
		return
	}
	known, err := k.o.Backend.Runs(ctx, api.Filter{Limit: 1 << 20})
	if err != nil {
		k.fail(c, err)
		return
	}
	open, err := k.o.Backend.Episodes(ctx, api.Filter{Open: true, Limit: api.MaxLimit})
	if err != nil {
		k.fail(c, err)
		return
	}
	for _, r := range known {
		if r.Outcome == "" && len(p.Live) < perPage {
			p.Live = append(p.Live, r)
		}
	}
	now := k.o.Now()
	p.Known = len(known)
	if p.Known > 0 {
		p.Since = known[p.Known-1].Opened
	}
	p.Runs, p.Pages = paged(known, at, "/repairs?page=")
	p.Timeline, p.Outcomes = newTimeline(known, now), newOutcomes(known, now)
	p.Refusals = refusalRows(known, open)
	if p.Owed, err = k.o.Backend.Undos(ctx); err != nil {
		k.fail(c, err)
		return
	}
	if left := len(p.Owed) - perPage; left > 0 {
		p.Owed, p.OwedLeft = p.Owed[:perPage], left
	}
	p.Asked.Outcomes = newAsked(p.Figures.Outcomes, p.Figures.Asked, "outcome")
	p.Asked.Refusals = newAsked(p.Figures.Refusals, p.Figures.Asked, "guard", "reason")
	k.show(c, http.StatusOK, "repairs", "Repairs", p)
}

func paged[T any](all []T, at int, base string) ([]T, pager) {
	p := pager{Of: max(1, (len(all)+perPage-1)/perPage), Base: base}
	p.Page = min(at, p.Of)
	begin := (p.Page - 1) * perPage
	return all[begin:min(len(all), begin+perPage)], p
}

func pageNumber(c *gin.Context) (int, error) {
	text := c.DefaultQuery("page", "1")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, &api.Error{Status: http.StatusBadRequest, Message: "page is a number from 1 on"}
	}
	return n, nil
}

// refusalRows gathers refusals: of runs that ended with one, and of open episodes whose
// last answer is one.
func refusalRows(runs []api.Run, open []api.Episode) []refusalRow {
	rows, at := []*refusalRow{}, map[[2]string]*refusalRow{}
	row := func(guard, reason string) *refusalRow {
		key := [2]string{guard, reason}
		if at[key] == nil {
			at[key] = &refusalRow{Guard: guard, Reason: reason}
			rows = append(rows, at[key])
		}
		return at[key]
	}
	for _, e := range open {
		if a := e.LastAnswer; a != nil {
			r := row(a.Guard, a.Reason)
			r.Episodes++
			r.Example, r.Detail = cmp.Or(r.Example, "/episodes/"+e.ID), cmp.Or(r.Detail, a.Detail)
		}
	}
	for _, run := range runs {
		if run.Outcome == "blocked" || run.Outcome == "observed" {
			r := row(run.Guard, run.Reason)
			r.Runs++
			r.Example, r.Detail = cmp.Or(r.Example, "/runs/"+run.ID), cmp.Or(r.Detail, run.Detail)
		}
	}
	out := make([]refusalRow, len(rows))
	for i, r := range rows {
		out[i] = *r
	}
	slices.SortStableFunc(out, func(a, b refusalRow) int {
		return cmp.Or(cmp.Compare(b.Episodes, a.Episodes), cmp.Compare(b.Runs, a.Runs))
	})
	return out
}

// episodesPage lists episodes.
type episodesPage struct {
	Episodes []api.Episode
	Open     int
	All      bool
	Pages    pager
}

func (k *Console) episodes(c *gin.Context) {
	ctx := c.Request.Context()
	at, err := pageNumber(c)
	if err != nil {
		k.fail(c, err)
		return
	}
	state, err := k.o.Backend.State(ctx)
	if err != nil {
		k.fail(c, err)
		return
	}
	p := episodesPage{Open: state.EpisodesOpen, All: c.Query("all") == "true", Pages: pager{Page: at, Base: "/episodes?page="}}
	if p.All {
		p.Pages.Base = "/episodes?all=true&page="
	}
	// One more than is shown tells whether there is a next page.
	p.Episodes, err = k.o.Backend.Episodes(ctx, api.Filter{Open: !p.All, Limit: perPage + 1, Skip: (at - 1) * perPage})
	if err != nil {
		k.fail(c, err)
		return
	}
	if at > 1 && len(p.Episodes) == 0 {
		k.fail(c, &api.Error{Status: http.StatusNotFound, Message: "the list has no page " + strconv.Itoa(at), Hint: "it may have become shorter: begin at its first page"})
		return
	}
	p.Pages.Of = at
	if len(p.Episodes) > perPage {
		p.Episodes, p.Pages.Of = p.Episodes[:perPage], at+1
	}
	k.show(c, http.StatusOK, "episodes", "Episodes", p)
}
