package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
)

// reply writes v as JSON. It is encoded first, so that an error can still be answered.
func reply(c *gin.Context, code int, v any) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		c.Error(err) //nolint:errcheck // it returns what it is given
		code, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	c.Header("Cache-Control", "no-store")
	c.Data(code, "application/json; charset=utf-8", append(b, '\n'))
}

// answer replies with v, or with the error.
func (a *API) answer(c *gin.Context, v any, err error) {
	if err != nil {
		a.fail(c, err)
		return
	}
	reply(c, http.StatusOK, v)
}

// done replies that there is nothing to say, or with the error.
func (a *API) done(c *gin.Context, err error) {
	if err != nil {
		a.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}

// fail replies with an error; one that the Backend did not mean to be shown is
// logged instead.
func (a *API) fail(c *gin.Context, err error) {
	var e *Error
	switch {
	case errors.As(err, &e):
		if e.Status < 400 {
			e = &Error{Status: http.StatusInternalServerError, Message: e.Message, Hint: e.Hint}
		}
	case errors.Is(err, context.DeadlineExceeded):
		e = &Error{Status: http.StatusServiceUnavailable, Message: "no answer in time", Hint: "try again"}
	default:
		a.o.Log.Error("request failed", "method", c.Request.Method, "route", c.FullPath(), "err", err)
		e = &Error{Status: http.StatusInternalServerError, Message: "internal error", Hint: "the server's log says more"}
	}
	reply(c, e.Status, e)
}
