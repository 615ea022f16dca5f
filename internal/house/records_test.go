package house_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated part of docs/records.md")

const (
	recordsPage  = "docs/records.md"
	recordsBegin = "<!-- generated: go test ./internal/house -run TestRecords -update -->\n"
	recordsEnd   = "<!-- end of generated -->"
)

// The page of the journal's records lists every type and every field, as the code has
// them: a type's data is the struct whose comment says "is the data of" it.
func TestRecords(t *testing.T) {
	path := filepath.Join(root(t), recordsPage)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), recordsBegin)
	have, after, ends := strings.Cut(rest, recordsEnd)
	if !begins || !ends {
		t.Fatalf("%s has no lines %sand %s", recordsPage, recordsBegin, recordsEnd)
	}
	want := readRecords(t).page(t)
	if have == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not current: go test ./internal/house -run TestRecords -update", recordsPage)
	}
	if err := os.WriteFile(path, []byte(before+recordsBegin+want+recordsEnd+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// recordType is one constant of a record's type.
type recordType struct{ constant, name, says string }

// recordCode is what the code says of records.
type recordCode struct {
	types   []recordType
	structs map[string]*ast.StructType // by package.Name
	says    map[string]string          // of structs
	dataOf  map[string]string          // constant to struct
	words   map[string][]string        // the constants of a text type
}

func readRecords(t *testing.T) *recordCode {
	t.Helper()
	c := &recordCode{structs: map[string]*ast.StructType{}, says: map[string]string{}, dataOf: map[string]string{}, words: map[string][]string{}}
	for _, pkg := range []string{"repair", "alert", "journal"} {
		files, err := filepath.Glob(filepath.Join(root(t), pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			c.read(pkg, f)
		}
	}
	if len(c.types) < 18 {
		t.Fatalf("only %d record types found", len(c.types))
	}
	return c
}

var constants = regexp.MustCompile(`\bType[A-Z]\w*`)

func (c *recordCode) read(pkg string, f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				c.declared(pkg, s, comment(g.Doc, s.Doc))
			case *ast.ValueSpec:
				if g.Tok == token.CONST {
					c.constant(pkg, s)
				}
			}
		}
	}
}

func (c *recordCode) declared(pkg string, s *ast.TypeSpec, says string) {
	st, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	name := pkg + "." + s.Name.Name
	c.structs[name], c.says[name] = st, says
	if _, of, ok := strings.Cut(says, "is the data of "); ok {
		of, _, _ = strings.Cut(of, ".")
		of, _, _ = strings.Cut(of, ":")
		for _, constant := range constants.FindAllString(of, -1) {
			c.dataOf[constant] = name
		}
	}
}

func (c *recordCode) constant(pkg string, s *ast.ValueSpec) {
	if len(s.Values) != 1 {
		return
	}
	lit, ok := s.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	if id, ok := s.Type.(*ast.Ident); ok {
		c.words[pkg+"."+id.Name] = append(c.words[pkg+"."+id.Name], value)
	}
	if pkg == "repair" && s.Type == nil && constants.MatchString(s.Names[0].Name) {
		c.types = append(c.types, recordType{s.Names[0].Name, value, comment(s.Doc, s.Comment)})
	}
}

// rules are where the code names the rule that it keeps to.
var rules = regexp.MustCompile(` \((?:ENGINE\.md )?rules? [^)]*\)`)

// comment is the text of the first that is there, on one line.
func comment(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if g != nil {
			return rules.ReplaceAllString(strings.Join(strings.Fields(g.Text()), " "), "")
		}
	}
	return ""
}

func (c *recordCode) page(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	wanted := map[string]bool{}
	sort.Slice(c.types, func(i, j int) bool { return c.types[i].name < c.types[j].name })
	for _, r := range c.types {
		data := c.dataOf[r.constant]
		if data == "" {
			t.Errorf("no struct's comment says that it is the data of %s", r.constant)
			continue
		}
		says := r.says
		if says == "" {
			says = c.says[data]
			if _, more, ok := strings.Cut(says, ". "); ok {
				says = more
			} else {
				says = strings.ReplaceAll(r.name, ".", " ")
			}
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n", r.name, capital(strings.TrimSuffix(says, ".")))
		c.fields(&b, data, wanted)
	}
	b.WriteString("\n## Shapes\n\nWhat the fields above hold, where that is an object.\n")
	for done := map[string]bool{}; ; {
		var next []string
		for name := range wanted {
			if !done[name] {
				next = append(next, name)
			}
		}
		if len(next) == 0 {
			break
		}
		slices.Sort(next)
		for _, name := range next {
			done[name] = true
			_, short, _ := strings.Cut(name, ".")
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", short, c.says[name])
			c.fields(&b, name, wanted)
		}
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// fields writes the table of a struct's fields, embedded ones in their place.
func (c *recordCode) fields(b *strings.Builder, name string, wanted map[string]bool) {
	b.WriteString("| field | holds | |\n|---|---|---|\n")
	c.rows(b, name, wanted)
}

func (c *recordCode) rows(b *strings.Builder, name string, wanted map[string]bool) {
	pkg, _, _ := strings.Cut(name, ".")
	for _, f := range c.structs[name].Fields.List {
		if len(f.Names) == 0 {
			if id, ok := f.Type.(*ast.Ident); ok {
				c.rows(b, pkg+"."+id.Name, wanted)
			}
			continue
		}
		if f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			continue
		}
		field, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if field == "" || field == "-" {
			continue
		}
		holds := c.holds(pkg, f.Type, wanted)
		if strings.Contains(options, "omit") {
			holds += ", or not there"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", field, holds, strings.ReplaceAll(comment(f.Doc, f.Comment), "|", "\\|"))
	}
}

// holds says in words what a Go type becomes in JSON.
func (c *recordCode) holds(pkg string, x ast.Expr, wanted map[string]bool) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return c.holds(pkg, x.X, wanted)
	case *ast.ArrayType:
		return "list of " + c.holds(pkg, x.Elt, wanted)
	case *ast.MapType:
		return "object: " + c.holds(pkg, x.Value, wanted) + " by name"
	case *ast.SelectorExpr:
		of, ok := x.X.(*ast.Ident)
		if !ok {
			return "value"
		}
		switch of.Name + "." + x.Sel.Name {
		case "time.Time":
			return "time, RFC 3339"
		case "time.Duration":
			return "nanoseconds"
		case "json.RawMessage":
			return "object"
		}
		return c.named(of.Name+"."+x.Sel.Name, wanted)
	case *ast.Ident:
		switch x.Name {
		case "string":
			return "text"
		case "bool":
			return "true or false"
		case "int", "int64", "uint64", "float64", "uint8", "uint32":
			return "number"
		}
		return c.named(pkg+"."+x.Name, wanted)
	}
	return "value"
}

func (c *recordCode) named(name string, wanted map[string]bool) string {
	_, short, _ := strings.Cut(name, ".")
	switch {
	case c.structs[name] != nil && ast.IsExported(short):
		wanted[name] = true
		return "[" + short + "](#" + strings.ToLower(short) + ")"
	case c.structs[name] != nil:
		return "object"
	case len(c.words[name]) > 0:
		return "`" + strings.Join(c.words[name], "`, `") + "`"
	}
	return "text"
}
