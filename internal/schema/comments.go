package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
)

// Comments reads the comments of types and fields in the given directories of Go
// source, by package.Type and package.Type.Field.
func Comments(dirs ...string) (map[string]string, error) {
	all := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, fmt.Errorf("read comments: %w", err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				return nil, fmt.Errorf("read comments: %w", err)
			}
			inFile(all, parsed)
		}
	}
	return all, nil
}

func inFile(all map[string]string, file *ast.File) {
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			spec, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			name := file.Name.Name + "." + spec.Name.Name
			doc := spec.Doc
			if doc == nil && len(decl.Specs) == 1 {
				doc = decl.Doc
			}
			note(all, name, doc)
			if t, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range t.Fields.List {
					for _, id := range f.Names {
						note(all, name+"."+id.Name, f.Doc)
						note(all, name+"."+id.Name, f.Comment)
					}
				}
			}
		}
	}
}

var (
	links = regexp.MustCompile(`\[([A-Za-z][A-Za-z.]*)\]`)
	// forReaders of the code alone: where to look on, and which rule of the design it is.
	forReaders = regexp.MustCompile(`(; | \()see \[[A-Za-z.]+\]\)?| \(ENGINE\.md[^)]*\)`)
	itself     = regexp.MustCompile(`^[A-Za-z]+ (?:is|are) `)
)

// note keeps a comment as one line, without what only readers of the code want. The
// first one stays.
func note(all map[string]string, name string, c *ast.CommentGroup) {
	text := strings.Join(strings.Fields(c.Text()), " ")
	if text == "" || all[name] != "" {
		return
	}
	text = links.ReplaceAllString(forReaders.ReplaceAllString(text, ""), "$1")
	own := name[strings.LastIndex(name, ".")+1:]
	if rest := itself.ReplaceAllString(text, ""); rest != text && strings.HasPrefix(text, own+" ") {
		text = rest
	}
	all[name] = text
}
