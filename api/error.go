package api

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an answer that says no. A Backend returns it to choose the status,
// and a Client returns it as the server sent it.
type Error struct {
	// Status is the HTTP status code.
	Status int `json:"-"`
	// Message says what and where, Hint what to do.
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}

// Error is the message, with the hint if there is one.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// NotFound is an Error with status 404.
func NotFound(what, id string) *Error {
	return &Error{Status: http.StatusNotFound, Message: fmt.Sprintf("no %s %q", what, id)}
}

// IsNotFound tells whether err says that there is no such thing.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

func badInput(hint, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), Hint: hint}
}
