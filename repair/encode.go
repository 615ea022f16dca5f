package repair

import "encoding/json"

// encode makes a record's data.
func encode(data any) ([]byte, error) {
	return json.Marshal(data)
}
