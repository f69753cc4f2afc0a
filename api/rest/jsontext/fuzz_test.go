package jsontext

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// strict is a slow second opinion by encoding/json: whether the text is valid, and has
// none of what this package refuses beyond that.
func strict(text string) bool {
	if !utf8.ValidString(text) || !json.Valid([]byte(text)) || loneSurrogate(text) {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return strictValue(d, 0)
}

func strictValue(d *json.Decoder, depth int) bool {
	tok, err := d.Token()
	switch v := tok.(type) {
	case json.Delim:
		if depth == MaxDepth {
			return false
		}
		ok := v == '[' && strictArray(d, depth+1) || v == '{' && strictObject(d, depth+1)
		d.Token() // the closing bracket, or an error after a refusal
		return ok
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && !math.IsInf(f, 0)
	}
	return err == nil
}

func strictArray(d *json.Decoder, depth int) bool {
	for d.More() {
		if !strictValue(d, depth) {
			return false
		}
	}
	return true
}

func strictObject(d *json.Decoder, depth int) bool {
	seen := map[any]bool{}
	for d.More() {
		key, _ := d.Token()
		if seen[key] || !strictValue(d, depth) {
			return false
		}
		seen[key] = true
	}
	return true
}

// loneSurrogate relies on encoding/json reading half a pair as U+FFFD.
func loneSurrogate(text string) bool {
	written := strings.Count(text, "\uFFFD") + strings.Count(strings.ToLower(text), `\ufffd`)
	read := 0
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		tok, err := d.Token()
		if err == io.EOF {
			return read > written
		}
		if s, ok := tok.(string); ok {
			read += strings.Count(s, "\uFFFD")
		}
		if err != nil {
			return true // deeper than encoding/json goes, or out of range
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{`{}`, `[1,2.5e3,-0.1]`, `{"a":{"b":[true,false,null]},"c":"\u00e9\n\ud83d\ude00"}`,
		`{"a":1,"a":2}`, `["\ud83d"]`, "\xff", `[1e999]`, `[01]`, ` [ 1 , 2 ] `, `"` + strings.Repeat("x", 20) + `"`, `[[[[[[[[]]]]]]]]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := whole(text)
		if want := strict(text); (err == nil) != want {
			t.Fatalf("%q: accepted %v (%v), encoding/json says %v", text, err == nil, err, want)
		}
		if err != nil {
			return
		}
		var compacted bytes.Buffer
		if json.Compact(&compacted, []byte(text)) != nil || compacted.String() != raw {
			t.Fatalf("%q compacted to %q", text, raw)
		}
	})
}

func FuzzStringAndNumber(f *testing.F) {
	f.Add(`"a\u00e9\"b"`, 1.5)
	f.Add(`"`+strings.Repeat("long enough for words ", 3)+`"`, -0.000001)
	f.Add("12345.678901", 52.370216)
	f.Fuzz(func(t *testing.T, text string, v float64) {
		compareString(t, text)
		compareNumber(t, text)
		appended(t, text, v)
	})
}

func compareString(t *testing.T, text string) {
	var r Reader
	r.Reset(text)
	got := r.String()
	if r.End() != nil {
		return
	}
	var want string
	if err := json.Unmarshal([]byte(text), &want); err != nil || got != want {
		t.Fatalf("%q reads as %q, encoding/json reads %q (%v)", text, got, want, err)
	}
}

func compareNumber(t *testing.T, text string) {
	var r Reader
	r.Reset(text)
	got := r.Number()
	if r.End() != nil {
		return
	}
	want, err := strconv.ParseFloat(strings.Trim(text, " \n\t\r"), 64)
	if err != nil || got != want || math.Signbit(got) != math.Signbit(want) {
		t.Fatalf("%q reads as %v, strconv reads %v", text, got, want)
	}
}

func appended(t *testing.T, text string, v float64) {
	if s := strings.ToValidUTF8(text, ""); !sameString(AppendString(nil, s), s) {
		t.Fatalf("%q is written as %s", s, AppendString(nil, s))
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	out := AppendFloat(nil, v)
	back, err := strconv.ParseFloat(string(out), 64)
	if err != nil || back != v || !json.Valid(out) {
		t.Fatalf("%v is written as %s", v, out)
	}
	if a := math.Abs(v); a >= 1e-6 && a < 1e15 {
		if want := strconv.FormatFloat(v, 'f', -1, 64); string(out) != want {
			t.Fatalf("%v is written as %s, shortest is %s", v, out, want)
		}
	}
}

func sameString(out []byte, s string) bool {
	var back string
	return json.Unmarshal(out, &back) == nil && back == s
}
