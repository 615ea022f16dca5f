// Command schemacheck says of instances whether they fit JSON Schemas. It reads one
// JSON object a line, {"schema": FILE, "name": TEXT, "instance": ANY}, and writes one
// for each, {"name": TEXT, "error": TEXT}, the error empty where it fits.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "schemacheck: %v\n", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schemas := map[string]*jsonschema.Schema{}
	lines, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var ask struct {
			Schema, Name string
			Instance     json.RawMessage
		}
		if err := lines.Decode(&ask); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		schema, ok := schemas[ask.Schema]
		if !ok {
			var err error
			if schema, err = compiler.Compile(ask.Schema); err != nil {
				return err
			}
			schemas[ask.Schema] = schema
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(ask.Instance))
		if err != nil {
			return fmt.Errorf("%s: %w", ask.Name, err)
		}
		answer := struct {
			Name  string `json:"name"`
			Error string `json:"error"`
		}{Name: ask.Name}
		if err := schema.Validate(instance); err != nil {
			answer.Error = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}
