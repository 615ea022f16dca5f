package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A bom is a CycloneDX 1.6 document, as far as we fill one.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licenses   []license  `json:"licenses,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	Expression string `json:"expression"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

// writeSBOM writes what the programs of a target are made of, beside its archive: the
// modules that Go itself wrote into them.
func (r release) writeSBOM(t target, programs []string) error {
	b, err := r.sbom(t, programs)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, r.name(t)+".cdx.json"), append(data, '\n'), 0o644) //nolint:gosec // for everybody to read
}

func (r release) sbom(t target, programs []string) (bom, error) {
	const apache = "Apache-2.0"
	root := component{Type: "application", Ref: r.name(t), Name: "fettle", Version: r.version, Licenses: []license{{apache}}}
	b := bom{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{Timestamp: r.when.Format(time.RFC3339), Component: root},
	}
	seen := map[string]component{}
	rootOn := dependency{Ref: root.Ref, On: []string{}}
	for _, path := range programs {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return bom{}, err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return bom{}, err
		}
		name := filepath.Base(path)
		app := component{
			Type: "application", Ref: root.Ref + "/" + name, Name: name, Version: r.version, Licenses: []license{{apache}},
			Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(data))}},
		}
		b.Components = append(b.Components, app)
		rootOn.On = append(rootOn.On, app.Ref)
		appOn := dependency{Ref: app.Ref, On: []string{}}
		for _, m := range modules(info) {
			c := library(m)
			seen[c.Ref] = c
			appOn.On = append(appOn.On, c.Ref)
		}
		slices.Sort(appOn.On)
		b.Dependencies = append(b.Dependencies, appOn)
	}
	b.Dependencies = append(b.Dependencies, rootOn)
	libraries := make([]component, 0, len(seen))
	for _, c := range seen {
		libraries = append(libraries, c)
		b.Dependencies = append(b.Dependencies, dependency{Ref: c.Ref, On: []string{}})
	}
	slices.SortFunc(libraries, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	b.Components = append(b.Components, libraries...)
	slices.SortFunc(b.Dependencies, func(a, b dependency) int { return cmp.Compare(a.Ref, b.Ref) })
	b.Serial = serial(b)
	return b, nil
}

// modules are those that a program is linked from, Go's own library among them.
func modules(info *debug.BuildInfo) []*debug.Module {
	all := []*debug.Module{{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, m)
	}
	return all
}

func library(m *debug.Module) component {
	purl := "pkg:golang/" + m.Path + "@" + url.PathEscape(m.Version)
	c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	if m.Sum != "" { // Go's own hash of the module's files, as in go.sum: no hash that the format knows
		c.Properties = []property{{"go:sum", m.Sum}}
	}
	return c
}

// serial names a document by what is in it, so that the same release has the same one.
func serial(b bom) string {
	data, err := json.Marshal(b)
	if err != nil { // nothing in it can fail to be written
		return ""
	}
	id := sha256.Sum256(data)
	id[6] = id[6]&0x0f | 0x80 // version 8, RFC 9562: made by a hash of one's own choice
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
