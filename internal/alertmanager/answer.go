package alertmanager

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-openapi/runtime"
	alertapi "github.com/prometheus/alertmanager/api/v2/client/alert"
)

// active is what each poll wants to know of an alert.
type active struct {
	Labels map[string]string `json:"labels"`
	Status struct {
		SilencedBy []string `json:"silencedBy"`
	} `json:"status"`
}

// whole is what a fetch wants to know.
type whole struct {
	active
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// streamed reads the answer to GET /alerts one alert at a time, where the generated
// client would hold all of it: 100,000 alerts are 380 MiB there.
func streamed[A any](each func(A) error) alertapi.ClientOption {
	return func(op *runtime.ClientOperation) {
		op.Reader = read(op.Reader, each)
	}
}

// read leaves every answer that is not 200 to the generated reader.
func read[A any](generated runtime.ClientResponseReader, each func(A) error) runtime.ClientResponseReaderFunc {
	return func(resp runtime.ClientResponse, consumer runtime.Consumer) (any, error) {
		if resp.Code() != http.StatusOK {
			return generated.ReadResponse(resp, consumer)
		}
		if err := array(resp.Body(), each); err != nil {
			return nil, err
		}
		return alertapi.NewGetAlertsOK(), nil
	}
}

// array reads a JSON array and calls each with every element; an error of each ends
// it. Fields that an element does not have here are passed over.
func array[A any](r io.Reader, each func(A) error) error {
	dec := jsontext.NewDecoder(r)
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != '[' {
		return fmt.Errorf("want an array of alerts, not %s", token.Kind())
	}
	for dec.PeekKind() != ']' {
		var a A
		if err := json.UnmarshalDecode(dec, &a); err != nil {
			return err
		}
		if err := each(a); err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}
