package browsertest

import (
	"encoding/json"
	"testing"
)

// rawValue is a value of the page, not yet read.
type rawValue json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (v *rawValue) UnmarshalJSON(text []byte) error {
	*v = append((*v)[:0], text...)
	return nil
}

func (v rawValue) into(t testing.TB, result any) {
	t.Helper()
	if result == nil || len(v) == 0 {
		return
	}
	if err := json.Unmarshal(v, result); err != nil {
		t.Fatalf("%v in %s", err, v)
	}
}

// quoted writes a text as a string of the page's language.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always becomes one
	return string(b)
}
