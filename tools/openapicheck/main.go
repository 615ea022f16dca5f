// Command openapicheck holds requests and answers of an API to its description. It
// reads JSON objects: first {"document": OPENAPI}, which has to be a description in
// order, then one for each exchange, and writes {"name", "request", "answer"} for each:
// what is wrong with its request and its answer, empty where nothing is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// exchange is a request and its answer.
type exchange struct {
	Name, Method, URL, Body string
	Header                  http.Header
	Status                  int
	AnswerHeader            http.Header
	Answer                  string
}

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "openapicheck: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	lines, answers := json.NewDecoder(in), json.NewEncoder(out)
	var first struct{ Document json.RawMessage }
	if err := lines.Decode(&first); err != nil {
		return err
	}
	doc, err := openapi3.NewLoader().LoadFromData(first.Document)
	if err != nil {
		return err
	}
	if err := doc.Validate(ctx); err != nil {
		return fmt.Errorf("the description: %w", err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		return err
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	for {
		var x exchange
		if err := lines.Decode(&x); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		said := map[string]string{"name": x.Name, "request": "", "answer": ""}
		r, err := http.NewRequestWithContext(ctx, x.Method, x.URL, strings.NewReader(x.Body))
		if err != nil {
			return fmt.Errorf("%s: %w", x.Name, err)
		}
		r.Header = x.Header
		route, parameters, err := router.FindRoute(r)
		if err != nil {
			said["request"] = err.Error()
		} else {
			input := &openapi3filter.RequestValidationInput{
				Request: r, PathParams: parameters, Route: route,
				Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
			}
			if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
				said["request"] = err.Error()
			}
			answer := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: x.Status, Header: x.AnswerHeader, Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}}
			answer.SetBodyBytes([]byte(x.Answer))
			if err := openapi3filter.ValidateResponse(ctx, answer); err != nil {
				said["answer"] = err.Error()
			}
		}
		if err := answers.Encode(said); err != nil {
			return err
		}
	}
}
