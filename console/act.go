package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
)

// said is what a form carries. By is who sends it.
type said struct {
	ID, Cluster, Reason, Premise, By string
}

// deed is something that an operator may do here.
type deed struct {
	title, says, button string
	// reason is needed, comment may be left out; neither: no such field.
	reason, comment bool
	// known: it takes an identity.
	known bool
	// done is said afterwards, on the page that back leads to.
	done string
	back func(said) string
	do   func(ctx context.Context, b Backend, s said) error
}

func home(said) string { return "/" }

func toEpisode(s said) string { return "/episodes/" + url.PathEscape(s.ID) }

// acts are all of them, by name.
func acts() map[string]deed {
	return map[string]deed{
		"pause": {
			title: "Pause repairs", button: "Pause", reason: true, done: "Paused.", back: home,
			says: "Nothing is changed by fettle while it is paused. Alerts are still taken, looked at and written down; what is under way is still watched to its end.",
			do: func(ctx context.Context, b Backend, s said) error {
				_, err := b.Pause(ctx, api.Pause{Cluster: s.Cluster, Reason: s.Reason, By: s.By})
				return err
			},
		},
		"unpause": {
			title: "End a pause", button: "End this pause", done: "The pause is over.", back: home,
			says: "What waited for it is asked again at once, and may be repaired at once.",
			do:   func(ctx context.Context, b Backend, s said) error { return b.Unpause(ctx, s.ID, s.By) },
		},
		"acknowledge": {
			title: "Acknowledge", button: "Acknowledge", comment: true, done: "Acknowledged: people are told of it no more.", back: toEpisode,
			says: "People are told no more of what they are told now of this episode. It stays open, and fettle goes on as before.",
			do: func(ctx context.Context, b Backend, s said) error {
				return b.Acknowledge(ctx, api.Word{Episode: s.ID, By: s.By, Comment: s.Reason})
			},
		},
		"close": {
			title: "Close an episode", button: "Close this episode", reason: true, done: "Closed.", back: toEpisode,
			says: "fettle does no more about it: it is left to people. An alert that fires again later opens another one.",
			do:   func(ctx context.Context, b Backend, s said) error { return b.Close(ctx, s.ID, s.By, s.Reason) },
		},
		"release": {
			title: "Release: close the circuit", button: "Release", done: "Released: it is asked again at once.", back: toEpisode,
			says: "Its slots are free again, its attempts are forgotten and its circuit is closed: it is asked again at once, and may be repaired at once. Do it when you know that nothing of the last run is still under way.",
			do:   func(ctx context.Context, b Backend, s said) error { return b.Release(ctx, s.ID, s.By) },
		},
		"approve": {
			title: "Approve a repair", button: "Approve exactly this", comment: true, known: true, done: "Approved.", back: toEpisode,
			says: "What stands below is done once enough people have approved it, if it is still so then: if any line of it has changed, the approval is worth nothing.",
			do: func(ctx context.Context, b Backend, s said) error {
				_, err := b.Approve(ctx, api.Word{Episode: s.ID, Premise: s.Premise, By: s.By, Comment: s.Reason})
				return err
			},
		},
	}
}

// confirmPage says what a form will do, before it does.
type confirmPage struct {
	What, Says, Button, ID string
	Reason, Comment        bool
	Clusters               []string // to choose from
	Episode                *api.Episode
	Pause                  *api.Pause
	Back                   string
}

func (k *Console) confirm(c *gin.Context) {
	what := c.Param("what")
	d, ok := acts()[what]
	if !ok {
		k.fail(c, api.NotFound("form", what))
		return
	}
	s := said{ID: c.Query("id")}
	p := confirmPage{What: what, Says: d.says, Button: d.button, ID: s.ID, Reason: d.reason, Comment: d.comment, Back: d.back(s)}
	if err := k.about(c, d, &p); err != nil {
		k.fail(c, err)
		return
	}
	k.show(c, http.StatusOK, "confirm", d.title, p)
}

// about finds what the form is about, so that a person sees it.
func (k *Console) about(c *gin.Context, d deed, p *confirmPage) error {
	ctx := c.Request.Context()
	if d.known && access.From(c).Role == access.Anonymous {
		return &api.Error{Status: http.StatusForbidden, Message: "an approval is a known person's", Hint: "configure web.roles in fettle.yml, or use the unix socket"}
	}
	if p.What == "pause" {
		for _, one := range k.o.Clusters() {
			p.Clusters = append(p.Clusters, one.Name)
		}
		return nil
	}
	if err := api.CheckID(p.ID); err != nil {
		return err
	}
	if p.What == "unpause" {
		state, err := k.o.Backend.State(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(state.Pauses, func(one api.Pause) bool { return one.ID == p.ID })
		if i < 0 {
			return api.NotFound("pause", p.ID)
		}
		p.Pause = &state.Pauses[i]
		return nil
	}
	e, err := k.o.Backend.Episode(ctx, p.ID)
	if err == nil && e.ID != p.ID {
		err = api.NotFound("episode", p.ID)
	}
	if err == nil && p.What == "approve" && e.Approval == nil {
		err = &api.Error{Status: http.StatusConflict, Message: "it waits for no approval now", Hint: "its page says what it waits for"}
	}
	p.Episode = &e
	return err
}

const maxForm = 16 << 10

func (k *Console) act(c *gin.Context) {
	what := c.Param("what")
	d, ok := acts()[what]
	if !ok {
		k.fail(c, api.NotFound("form", what))
		return
	}
	s, err := form(c, what, d)
	if err == nil {
		err = d.do(c.Request.Context(), k.o.Backend, s)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, d.back(s)+"?done="+what)
}

// form reads what was sent, strictly.
func form(c *gin.Context, what string, d deed) (s said, err error) {
	bad := func(status int, message, hint string) (said, error) {
		return s, &api.Error{Status: status, Message: message, Hint: hint}
	}
	// internal/access refuses what a page of another origin sends. Here it also has to
	// be told which origin it was: all browsers do, since years.
	if c.GetHeader("Sec-Fetch-Site") == "" && c.GetHeader("Origin") == "" {
		return bad(http.StatusForbidden, "not sent by a page of this console", "programs use the API: docs/http-api.md")
	}
	if c.ContentType() != "application/x-www-form-urlencoded" {
		return bad(http.StatusUnsupportedMediaType, "this is no form", "programs use the API: docs/http-api.md")
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	if err := c.Request.ParseForm(); err != nil {
		return bad(http.StatusBadRequest, "the form cannot be read", "")
	}
	for name, values := range c.Request.PostForm {
		if len(values) != 1 || !slices.Contains([]string{"id", "cluster", "reason", "premise"}, name) {
			return bad(http.StatusBadRequest, "the form has a field that it should not have", "")
		}
	}
	value := c.Request.PostForm.Get
	s = said{ID: value("id"), Cluster: value("cluster"), Reason: value("reason"), Premise: value("premise"), By: access.From(c).Name}
	if what == "pause" {
		if s.Cluster != "" {
			err = api.CheckID(s.Cluster)
		}
	} else {
		err = api.CheckID(s.ID)
	}
	if err == nil && (d.reason || s.Reason != "") {
		err = api.CheckReason(s.Reason)
	}
	if err == nil && d.known {
		err = api.CheckID(s.Premise)
		if access.From(c).Role == access.Anonymous {
			return bad(http.StatusForbidden, "an approval is a known person's", "configure web.roles in fettle.yml, or use the unix socket")
		}
	}
	return s, err
}
