package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/fettle-io/fettle/internal/access"
)

// NewEngine makes a router without routes that trusts no proxy, redirects
// nothing, survives a panic, and runs the given middleware in order: what
// counts first, then access.Policy's Check.
func NewEngine(log *slog.Logger, middleware ...gin.HandlerFunc) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	if err := e.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("trust no proxy: %w", err)
	}
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	e.HandleMethodNotAllowed = true
	e.UseRawPath = true // an id may have an escaped slash in it
	e.Use(headers, recovery(log))
	e.Use(middleware...)
	e.NoRoute(func(c *gin.Context) {
		reply(c, http.StatusNotFound, &Error{Message: "no such path", Hint: "docs/http-api.md lists them"})
	})
	e.NoMethod(func(c *gin.Context) {
		reply(c, http.StatusMethodNotAllowed, &Error{Message: "this path does not take " + shown(c.Request.Method), Hint: "docs/http-api.md lists the methods"})
	})
	return e, nil
}

// NewServer makes a server with the limits that keep a slow or greedy sender
// from holding it. A body that does not arrive in 30 s is cut off; how many may
// connect, and how slow they may be below that, is internal/connections' to say.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // longer than a message takes to be read and persisted
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ConnContext:       access.ConnContext,
	}
}

// headers are the same on every answer.
func headers(c *gin.Context) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

// recovery answers 500 after a panic. The stack is logged, the request is not:
// it may carry a token.
func recovery(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				log.Error("panic", "method", c.Request.Method, "route", c.FullPath(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				c.Abort()
				if !c.Writer.Written() {
					reply(c, http.StatusInternalServerError, &Error{Message: "internal error", Hint: "the server's log says more"})
				}
			}
		}()
		c.Next()
	}
}
