package openapi_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/fettle-io/fettle/api"
	"github.com/fettle-io/fettle/journal"
)

// fakeBackend answers with everything that an answer can have, or with as little: each
// field of a shape is set, or none is.
type fakeBackend struct {
	full bool
	err  error
}

// answer fills a T, or leaves it empty.
func answer[T any](b fakeBackend) (T, error) {
	var v T
	if b.full {
		fill(reflect.ValueOf(&v).Elem(), 4)
	}
	return v, b.err
}

func list[T any](b fakeBackend) ([]T, error) {
	one, err := answer[T](b)
	if !b.full {
		return nil, err
	}
	return []T{one, one}, err
}

func fill(v reflect.Value, depth int) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 21, 2, 34, 0, 500, time.UTC)))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), depth)
			}
		}
	case v.Kind() == reflect.Slice && depth > 0:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), depth-1)
		}
	case v.Kind() == reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e, depth-1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), e)
	case v.Kind() == reflect.String:
		v.SetString("text")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(7)
	case v.CanUint():
		v.SetUint(7)
	case v.CanFloat():
		v.SetFloat(1.5)
	}
}

func (b fakeBackend) Runs(context.Context, api.Filter) ([]api.Run, error) { return list[api.Run](b) }
func (b fakeBackend) Run(context.Context, string) (api.Run, error)        { return answer[api.Run](b) }
func (b fakeBackend) Episodes(context.Context, api.Filter) ([]api.Episode, error) {
	return list[api.Episode](b)
}
func (b fakeBackend) Episode(context.Context, string) (api.Episode, error) {
	return answer[api.Episode](b)
}
func (b fakeBackend) Story(context.Context, string) ([]journal.Record, error) { return b.records() }
func (b fakeBackend) Journal(context.Context, uint64, int) ([]journal.Record, error) {
	return b.records()
}
func (b fakeBackend) records() ([]journal.Record, error) {
	if !b.full {
		return nil, b.err
	}
	return []journal.Record{{Line: []byte(`{"specversion":"1.0","seq":12,"data":{}}`)}}, b.err
}
func (b fakeBackend) Pause(context.Context, api.Pause) (api.Pause, error) {
	return answer[api.Pause](b)
}
func (b fakeBackend) Unpause(context.Context, string, string) error       { return b.err }
func (b fakeBackend) Pauses(context.Context) ([]api.Pause, error)         { return list[api.Pause](b) }
func (b fakeBackend) Release(context.Context, string, string) error       { return b.err }
func (b fakeBackend) Close(context.Context, string, string, string) error { return b.err }
func (b fakeBackend) Undos(context.Context) ([]api.Undo, error)           { return list[api.Undo](b) }
func (b fakeBackend) Undo(context.Context, string) (api.Undo, error)      { return answer[api.Undo](b) }
func (b fakeBackend) TakeBack(context.Context, string, string, string) (api.Undo, error) {
	return answer[api.Undo](b)
}
func (b fakeBackend) LeaveUndo(context.Context, string, string) error { return b.err }
func (b fakeBackend) Approve(context.Context, api.Word) (api.Approved, error) {
	return answer[api.Approved](b)
}
func (b fakeBackend) Acknowledge(context.Context, api.Word) error { return b.err }
func (b fakeBackend) Playbooks(context.Context) ([]api.Playbook, error) {
	return list[api.Playbook](b)
}
func (b fakeBackend) Guards(context.Context) ([]api.Guard, error) { return list[api.Guard](b) }
func (b fakeBackend) Foresee(context.Context, api.PlanRequest) (api.Foresight, error) {
	return answer[api.Foresight](b)
}
func (b fakeBackend) Ready(context.Context) error  { return b.err }
func (b fakeBackend) Reload(context.Context) error { return b.err }
func (b fakeBackend) State(context.Context) (api.State, error) {
	return answer[api.State](b)
}

var (
	errBroken   = errors.New("broken on purpose")
	errNotFound = api.NotFound("run", "x")
	errConflict = &api.Error{Status: http.StatusConflict, Message: "the premise has changed", Hint: "look again"}
)
