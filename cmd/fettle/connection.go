package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/alecthomas/kingpin/v2"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/config"
)

// connection is how a command reaches a running server.
type connection struct {
	server string
	who    credentials
	config configFile
}

func (c *connection) flags(clause *kingpin.CmdClause) {
	clause.Flag("server", "Where fettle serve listens: unix:///PATH.sock, http://HOST:PORT or https://HOST:PORT. Default: the unix socket that the configuration names.").
		Envar("FETTLE_SERVER").StringVar(&c.server)
	c.who.flags(clause)
	c.config.flag(clause)
}

// dial makes the client. It connects with the first question.
func (c *connection) dial() (*caller, error) {
	address, err := c.address()
	if err != nil {
		return nil, err
	}
	o, err := c.who.options()
	if err != nil {
		return nil, err
	}
	o.Address = address
	client, err := api.NewClient(o)
	if err != nil {
		return nil, usageError{fmt.Errorf("--server: %w", err)}
	}
	return &caller{client: client, address: address, who: c.who}, nil
}

// address is --server, else the socket of the configuration. A default
// configuration that cannot be read is no reason to fail: the server may run with
// the one before, and only its own user may be allowed to read it.
func (c *connection) address() (string, error) {
	if c.server != "" {
		return c.server, nil
	}
	conf, err := c.config.load()
	switch {
	case err != nil && c.config.set:
		return "", fmt.Errorf("the configuration, which says where the server listens, cannot be read (--server says it as well):\n%w", err)
	case err != nil:
		conf = config.Default()
	case conf.Web.Socket == "":
		return "", usageError{fmt.Errorf("%s has no web.socket: say where the server listens, as --server=http://%s --token-file=FILE", c.config.path, conf.Web.Listen)}
	}
	if path := config.OwnSocket(); conf.Digest == "" && path != "" && !exists(conf.Web.Socket) && exists(path) {
		return "unix://" + path, nil // of a fettle that this user runs without a configuration
	}
	return "unix://" + conf.Web.Socket, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// caller is a client that can say why it does not get through.
type caller struct {
	client  *api.Client
	address string
	who     credentials
}

// explained says what to do about an error of a call.
func (c *caller) explained(err error) error {
	var refused *api.Error
	path, isSocket := strings.CutPrefix(c.address, "unix:")
	path = "/" + strings.TrimLeft(path, "/")
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return c.refused(refused.Status, err)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case isSocket && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no socket %s: fettle serve is not running, or listens elsewhere. Start it (systemctl start fettle, or fettle serve), or say where it is with --server", path)
	case isSocket && errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens on %s any more: fettle serve is not running. Start it (systemctl start fettle, or fettle serve)", path)
	case isSocket && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s is for fettle's own user and root (mode 0600): run this as that user (sudo -u fettle fettle …), or give --server=http://HOST:PORT and --token-file=FILE", path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens at %s: fettle serve is not running there. Start it (systemctl start fettle, or fettle serve), or give another --server", c.address)
	}
	if why := c.unsafe(err); why != nil {
		return why
	}
	return fmt.Errorf("%s: %w", c.address, err)
}

func (c *caller) refused(status int, e error) error {
	switch {
	case status == http.StatusUnauthorized && c.who.tokenFile != "":
		return fmt.Errorf("%s does not take the token in %s: web.roles in its configuration says which it takes (%w)", c.address, c.who.tokenFile, e)
	case status == http.StatusUnauthorized && c.who.user != "":
		return fmt.Errorf("%s does not take %s with the password in %s: basic_auth_users in its web configuration and web.roles say whom it takes (%w)", c.address, c.who.user, c.who.passwordFile, e)
	case status == http.StatusUnauthorized && c.who.certFile != "":
		return fmt.Errorf("%s does not take the certificate in %s: web.roles in its configuration says which names it takes (%w)", c.address, c.who.certFile, e)
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%s wants to know who asks: give a token with --token-file=FILE (%w)", c.address, e)
	case status == http.StatusForbidden:
		return fmt.Errorf("not allowed by %s: %w", c.address, e)
	}
	return e
}
