package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // landing.html
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

//go:embed landing.html
var landingHTML string

const (
	landingStyle    = `body{font:15px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}table{border-collapse:collapse}td,th{text-align:left;padding:.2em 1em .2em 0}`
	landingEpisodes = 50
)

// page is the landing page. Alerts' text stands in it, and is escaped by
// html/template; should that fail, its policy lets no script run.
type page struct {
	template *template.Template
	policy   string
}

func newPage() *page {
	sum := sha256.Sum256([]byte(landingStyle))
	return &page{
		template: template.Must(template.New("landing").Parse(landingHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

func (a *API) landing(c *gin.Context) {
	ctx := c.Request.Context()
	state, err := a.o.Backend.State(ctx)
	if err != nil {
		a.fail(c, err)
		return
	}
	episodes, err := a.o.Backend.Episodes(ctx, Filter{Open: true, Limit: landingEpisodes})
	if err != nil {
		a.fail(c, err)
		return
	}
	var b bytes.Buffer
	err = a.page.template.Execute(&b, struct {
		Style    template.CSS
		State    State
		Episodes []Episode
		Uptime   time.Duration
	}{landingStyle, state, episodes, time.Duration(state.UptimeSeconds) * time.Second})
	if err != nil {
		a.fail(c, fmt.Errorf("landing page: %w", err))
		return
	}
	c.Header("Content-Security-Policy", a.page.policy)
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "text/html; charset=utf-8", b.Bytes())
}
