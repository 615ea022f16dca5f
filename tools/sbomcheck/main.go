// Command sbomcheck holds CycloneDX 1.6 documents to the format's own schema. The
// schema comes with the module of CycloneDX's Go library, as it was published.
//
//	go run . FILE.cdx.json...
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	_ "github.com/CycloneDX/cyclonedx-go" // its folder has the schema
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	library = "github.com/CycloneDX/cyclonedx-go"
	address = "http://cyclonedx.org/schema/"
	main16  = "bom-1.6.schema.json"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbomcheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, files []string) error {
	schema, err := compile(ctx)
	if err != nil {
		return err
	}
	for _, name := range files {
		doc, err := read(name)
		if err != nil {
			return err
		}
		if err := schema.Validate(doc); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(name, "is CycloneDX 1.6")
	}
	return nil
}

// compile reads the schema and the two that it refers to.
func compile(ctx context.Context) (*jsonschema.Schema, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", library).Output()
	if err != nil {
		return nil, fmt.Errorf("where is the module %s: %w", library, err)
	}
	dir := filepath.Join(string(bytes.TrimSpace(out)), "schema")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, file := range map[string]string{
		main16: main16, "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		doc, err := read(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		if err := c.AddResource(address+name, doc); err != nil {
			return nil, err
		}
	}
	return c.Compile(address + main16)
}

func read(name string) (any, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(data))
}
