package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/internal/access"
)

type (
	pauseRequest struct {
		Cluster string `json:"cluster"`
		Reason  string `json:"reason"`
	}
	releaseRequest struct {
		Episode string `json:"episode"`
	}
	closureRequest struct {
		Episode string `json:"episode"`
		Reason  string `json:"reason"`
	}
)

func (a *API) pause(c *gin.Context) {
	var in pauseRequest
	if err := body(c, &in); err != nil {
		a.fail(c, err)
		return
	}
	if in.Cluster != "" {
		if err := checkID(in.Cluster); err != nil {
			a.fail(c, err)
			return
		}
	}
	if err := checkReason(in.Reason); err != nil {
		a.fail(c, err)
		return
	}
	p, err := a.o.Backend.Pause(c.Request.Context(), Pause{Cluster: in.Cluster, Reason: in.Reason, By: access.From(c).Name})
	if err != nil {
		a.fail(c, err)
		return
	}
	reply(c, http.StatusCreated, p)
}

func (a *API) unpause(c *gin.Context) {
	id, err := param(c)
	if err == nil {
		err = a.o.Backend.Unpause(c.Request.Context(), id, access.From(c).Name)
	}
	a.done(c, err)
}

func (a *API) release(c *gin.Context) {
	var in releaseRequest
	err := body(c, &in)
	if err == nil {
		err = checkID(in.Episode)
	}
	if err == nil {
		err = a.o.Backend.Release(c.Request.Context(), in.Episode, access.From(c).Name)
	}
	a.done(c, err)
}

func (a *API) closure(c *gin.Context) {
	var in closureRequest
	err := body(c, &in)
	if err == nil {
		err = checkID(in.Episode)
	}
	if err == nil {
		err = checkReason(in.Reason)
	}
	if err == nil {
		err = a.o.Backend.Close(c.Request.Context(), in.Episode, access.From(c).Name, in.Reason)
	}
	a.done(c, err)
}

// reload answers as Prometheus does: 500 with the error when the old
// configuration stays.
func (a *API) reload(c *gin.Context) {
	if err := a.o.Backend.Reload(c.Request.Context()); err != nil {
		a.fail(c, &Error{
			Status: http.StatusInternalServerError, Message: "reload: " + err.Error(),
			Hint: "the configuration from before stays; fettle check shows what is wrong",
		})
		return
	}
	reply(c, http.StatusOK, status{"reloaded"})
}
