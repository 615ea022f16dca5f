// Package openapi makes the published description of the HTTP API (OpenAPI 3.0) from
// the tables that the server has: its operations, who may use them, and the structs
// that are read and written.
package openapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/internal/access"
	"github.com/fettle-io/fettle/internal/schema"
	"github.com/fettle-io/fettle/webhook"
)

const (
	jsonMedia = "application/json"
	refs      = "#/components/schemas/"
)

type object = map[string]any

// Operations are the API's and the webhook's.
func Operations() []api.Operation { return append(api.Operations(), message()) }

// message is the webhook's operation. Its body and answer are described by hand, as it
// reads them piece by piece.
func message() api.Operation {
	return api.Operation{
		Method: http.MethodPost, Path: webhook.Path, Summary: "Take one message of Alertmanager, version 4. 200 says that all of it is on the disk; 503 that it is not, and may be sent again.",
		Body: reflect.TypeFor[Message](), Status: http.StatusOK, Answer: reflect.TypeFor[Taken](),
		Errors: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable},
	}
}

// Message is Alertmanager's, as far as fettle reads it.
type Message struct {
	Version string `json:"version"`
	// TruncatedAlerts were left out: fettle asks Alertmanager for them.
	TruncatedAlerts int     `json:"truncatedAlerts,omitempty"`
	Alerts          []Alert `json:"alerts"`
}

// Alert is one alert of a message.
type Alert struct {
	// Status is firing or resolved.
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    string            `json:"startsAt,omitempty"`
	EndsAt      string            `json:"endsAt,omitempty"`
}

// Taken is what became of a message.
type Taken struct {
	// Received alerts were recorded, Repeats needed no record, and Unmatched are those
	// of the received that no playbook is for.
	Received  int `json:"received"`
	Repeats   int `json:"repeats"`
	Unmatched int `json:"unmatched"`
	// Seq is the sequence number of the last record.
	Seq uint64 `json:"seq"`
}

// Document makes the description. root is the directory of the module, whose comments
// it reads. With closed an answer has no field that is not described, which the
// published one leaves open: clients ignore what they do not know.
func Document(root, version string, closed bool) ([]byte, error) {
	comments, err := schema.Comments(root+"/api", root+"/internal/openapi", root+"/webhook")
	if err != nil {
		return nil, err
	}
	g := &schema.Generator{
		Comments: comments, Refs: refs,
		Rules: map[string]schema.Rule{"openapi.Alert.Status": {Enum: []string{"firing", "resolved"}}},
		Types: map[string]*schema.Schema{
			"time.Time":      schema.Time(),
			"jsontext.Value": {Type: "object", Description: "A line of the journal, as it stands there: docs/records.md."},
		},
	}
	types := []reflect.Type{reflect.TypeFor[api.Error]()}
	paths := map[string]object{}
	for _, op := range Operations() {
		for _, t := range []reflect.Type{op.Body, op.Answer} {
			if t != nil {
				types = append(types, t)
			}
		}
		path := parameter.ReplaceAllString(op.Path, "{$1}")
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(op.Method)] = operation(op)
	}
	schemas := g.Definitions(types...)
	for name, s := range schemas {
		request := strings.HasSuffix(name, "Request")
		if request {
			s.Required = nil // what is missing is refused with words that say why
			if name != "PlanRequest" {
				s.Required = required(types, name)
			}
		}
		if request || closed && name != "Message" && name != "Alert" {
			s.AdditionalProperties = false
		}
	}
	doc := object{
		"openapi": "3.0.3",
		"info": object{
			"title": "fettle", "version": version,
			"description": "The HTTP API of `fettle serve`. Who may use an operation stands at each (x-roles); a role belongs to a token, a user, or a name in a client certificate, and whoever opens the unix socket is an operator. docs/http-api.md has it in words.",
			"license":     object{"name": "Apache-2.0"},
		},
		"servers":    []object{{"url": "http://127.0.0.1:9774"}},
		"paths":      paths,
		"components": object{"schemas": schemas, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}, "user": object{"type": "http", "scheme": "basic"}}},
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	return append(b, '\n'), err
}

var parameter = regexp.MustCompile(`[:*](\w+)`)

// required are the fields of a request without which it is refused whatever the rest.
func required(types []reflect.Type, name string) (fields []string) {
	for _, t := range types {
		if schema.Name(t) != name {
			continue
		}
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if !slices.Contains([]string{"cluster", "comment"}, key) || name == "UndoRequest" {
				fields = append(fields, key)
			}
		}
	}
	slices.Sort(fields)
	return fields
}

func operation(op api.Operation) object {
	o := object{"summary": op.Summary, "operationId": id(op)}
	roles := access.Routes().Roles(op.Method, op.Path)
	o["x-roles"] = roles
	errors := append([]int{}, op.Errors...)
	if slices.Contains(roles, access.Anyone) {
		o["security"] = []object{}
	} else {
		o["security"] = []object{{"token": []string{}}, {"user": []string{}}}
		errors = append(errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	var parameters []object
	for _, m := range parameter.FindAllStringSubmatch(op.Path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, p := range op.Query {
		parameters = append(parameters, object{"name": p.Name, "in": "query", "description": p.Says, "schema": shape(p)})
	}
	if parameters != nil {
		o["parameters"] = parameters
	}
	if op.Body != nil {
		o["requestBody"] = object{"required": true, "content": object{jsonMedia: object{"schema": ref(op.Body)}}}
	}
	answers := object{"default": object{"description": "An error.", "content": object{jsonMedia: object{"schema": ref(reflect.TypeFor[api.Error]())}}}}
	for _, status := range errors {
		answers[strconv.Itoa(status)] = object{"description": http.StatusText(status) + ".", "content": object{jsonMedia: object{"schema": ref(reflect.TypeFor[api.Error]())}}}
	}
	success := object{"description": http.StatusText(op.Status) + "."}
	switch {
	case op.Answer != nil:
		success["content"] = object{jsonMedia: object{"schema": ref(op.Answer)}}
	case op.Media != "":
		media, _, _ := strings.Cut(op.Media, ";")
		success["content"] = object{media: object{"schema": object{"type": "string"}}}
	}
	answers[strconv.Itoa(op.Status)] = success
	o["responses"] = answers
	return o
}

func ref(t reflect.Type) object { return object{"$ref": refs + schema.Name(t)} }

func shape(p api.Parameter) object {
	s := object{"type": p.Type}
	if p.Format != "" {
		s["format"] = p.Format
	}
	if p.Enum != nil {
		s["enum"] = p.Enum
	}
	if p.Type == "integer" {
		s["minimum"] = p.Minimum
	}
	if p.Maximum > 0 {
		s["maximum"] = p.Maximum
	}
	return s
}

// id names an operation: getRuns, getRunsByID.
func id(op api.Operation) string {
	name := strings.ToLower(op.Method)
	for part := range strings.SplitSeq(strings.TrimPrefix(op.Path, "/api/v1"), "/") {
		switch {
		case part == "" || part == "-":
		case parameter.MatchString(part):
			name += "ByID"
		default:
			name += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	if op.Path == "/" {
		return name + "Page"
	}
	return name
}
