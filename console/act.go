package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
)

// confirmPage says what a form will do, before it does.
type confirmPage struct {
	What, Says, Button, ID string
	Reason, Comment        bool
	Clusters               []string // to choose from
	Episode                *api.Episode
	Pause                  *api.Pause
	Undo                   *api.Undo
	Back                   string
	// Proof is that this form was made for who sends it.
	Proof string
}

// subject is what a form's proof is bound to: the cluster of a pause is chosen on it.
func subject(what, id string) string {
	if what == "pause" {
		return ""
	}
	return id
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
	p.Proof = k.seal.of(access.From(c), "form", what, subject(what, s.ID))
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
		if p.ID != "" && !slices.Contains(p.Clusters, p.ID) {
			return api.NotFound("cluster", p.ID) // else the form would offer all of them
		}
		return nil
	}
	if err := api.CheckID(p.ID); err != nil {
		return err
	}
	switch p.What {
	case "undo":
		u, err := k.o.Backend.Undo(ctx, p.ID)
		p.Undo = &u
		return err
	case "leave":
		return k.owed(ctx, p)
	case "unpause":
		state, err := k.o.Backend.State(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(state.Pauses, func(one api.Pause) bool { return one.ID == p.ID })
		if i < 0 {
			return api.NotFound("pause", p.ID)
		}
		if p.ID == brakeID {
			return &api.Error{Status: http.StatusConflict, Message: "the brake file is removed by hand", Hint: "brake in fettle.yml says where it is"}
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
	s, err := k.form(c, what, d)
	if err == nil {
		err = d.do(c.Request.Context(), k.o.Backend, &s)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	back := d.back(s)
	c.Redirect(http.StatusSeeOther, back+"?done="+what+"."+k.seal.of(access.From(c), "done", what, back))
}

// form reads what was sent, strictly.
func (k *Console) form(c *gin.Context, what string, d deed) (s said, err error) {
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
		if len(values) != 1 || !slices.Contains([]string{"id", "cluster", "reason", "premise", "proof"}, name) {
			return bad(http.StatusBadRequest, "the form has a field that it should not have", "")
		}
	}
	value := c.Request.PostForm.Get
	if !k.seal.holds(value("proof"), formGood, access.From(c), "form", what, subject(what, value("id"))) {
		return bad(http.StatusForbidden, "this form is too old, or was not made for you", "load its page again, and send that one")
	}
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

// owed finds what fettle would take back by itself.
func (k *Console) owed(ctx context.Context, p *confirmPage) error {
	all, err := k.o.Backend.Undos(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(one api.Undo) bool { return one.Run == p.ID })
	if i < 0 {
		return &api.Error{Status: http.StatusNotFound, Message: "nothing of this run is taken back by itself", Hint: "the page of repairs lists what is"}
	}
	p.Undo = &all[i]
	return nil
}
