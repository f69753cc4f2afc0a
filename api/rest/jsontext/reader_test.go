package jsontext

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gazetteer"
)

// whole reads any value and returns its compact form.
func whole(s string) (string, error) {
	var r Reader
	r.Reset(s)
	raw := r.Raw()
	return raw, r.End()
}

func TestRawIsCompact(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                  `{}`,
		" { \"a\" : [ 1 , 2.50 , true ] } ":   `{"a":[1,2.50,true]}`,
		"\t[null,\n\"a b\\\" c\", {\"\":-0}]": `[null,"a b\" c",{"":-0}]`,
		`"\ud83d\ude00"`:                      `"\ud83d\ude00"`,
		`1e-400`:                              `1e-400`,
		`[ "\\" , "\\\"" ]`:                   `["\\","\\\""]`,
	} {
		if got, err := whole(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v", in, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	if _, err := whole(deep); err != nil {
		t.Fatalf("%d levels: %v", MaxDepth, err)
	}
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":0`, i)
	}
	if _, err := whole("{" + strings.Join(many, ",") + "}"); err != nil {
		t.Fatalf("5000 keys: %v", err)
	}
	for name, c := range map[string]struct {
		in, pointer, detail string
		kind                gazetteer.Kind
	}{
		"nothing":           {"", "", "lacks a value", gazetteer.Invalid},
		"cut":               {`{"a":[1,2`, "/a/1", "where it ends", gazetteer.Invalid},
		"cut string":        {`["abc`, "/0", "ends within a string", gazetteer.Invalid},
		"cut escape":        {`["abc\`, "/0", "ends within a string", gazetteer.Invalid},
		"trailing":          {`{} {}`, "", "something after its end", gazetteer.Invalid},
		"trailing NUL":      {"{}\x00", "", "something after its end", gazetteer.Invalid},
		"comma":             {`[1,]`, "/0", "comma before a closing", gazetteer.Invalid},
		"no comma":          {`[1 2]`, "/0", "lacks a comma", gazetteer.Invalid},
		"bare key":          {`{a:1}`, "", "lacks a key", gazetteer.Invalid},
		"no colon":          {`{"a" 1}`, "/a", "lacks a colon", gazetteer.Invalid},
		"one level deeper":  {"[" + deep + "]", strings.Repeat("/0", MaxDepth), "32 levels", gazetteer.Invalid},
		"bomb":              {strings.Repeat(`{"a":`, 100_000), strings.Repeat("/a", MaxDepth), "32 levels", gazetteer.Invalid},
		"duplicate":         {`{"x":{"a":1,"b":2,"a":3}}`, "/x/a", "twice", gazetteer.Unprocessable},
		"escaped duplicate": {`{"a":1,"\u0061":3}`, "/a", "twice", gazetteer.Unprocessable},
		"late duplicate":    {"{" + strings.Join(many, ",") + `,"k77":1}`, "/k77", "twice", gazetteer.Unprocessable},
		"invalid UTF-8":     {"{\"a\":\"\xff\"}", "", "invalid UTF-8 at byte 6", gazetteer.Invalid},
		"lone surrogate":    {`["\ud83d"]`, "/0", "surrogate", gazetteer.Invalid},
		"low first":         {`["\ude00\ud83d"]`, "/0", "surrogate", gazetteer.Invalid},
		"bad pair":          {`["\ud83d\u0041"]`, "/0", "surrogate", gazetteer.Invalid},
		"control":           {"[\"a\nb\"]", "/0", "control character", gazetteer.Invalid},
		"escape":            {`["\x41"]`, "/0", "unknown escape", gazetteer.Invalid},
		"leading zero":      {`[01]`, "/0", "does not begin", gazetteer.Invalid},
		"plus":              {`[+1]`, "/0", "lacks a value", gazetteer.Invalid},
		"point":             {`[1.]`, "/0", "after its point", gazetteer.Invalid},
		"exponent":          {`[1e]`, "/0", "exponent", gazetteer.Invalid},
		"range":             {`[1e999]`, "/0", "range", gazetteer.Unprocessable},
		"long range":        {"[" + strings.Repeat("9", 400) + "]", "/0", "range", gazetteer.Unprocessable},
		"word":              {`[nul]`, "/0", "lacks a value", gazetteer.Invalid},
		"NaN":               {`[NaN]`, "/0", "lacks a value", gazetteer.Invalid},
		"token":             {`{"a/b~c":[01]}`, "/a~1b~0c/0", "does not begin", gazetteer.Invalid},
		"long pointer":      {`{"` + strings.Repeat("é", 500) + `":01}`, "/" + strings.Repeat("é", 127) + "…", "does not begin", gazetteer.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := whole(c.in)
			var e *gazetteer.Error
			if !errors.As(err, &e) {
				t.Fatal("accepted")
			}
			if e.Kind != c.kind || e.Pointer != c.pointer || !strings.Contains(e.Detail, c.detail) {
				t.Errorf("kind %v pointer %q detail %q", e.Kind, e.Pointer, e.Detail)
			}
		})
	}
}

func TestWrongSort(t *testing.T) {
	for in, read := range map[string]func(*Reader){
		`[1]`:     func(r *Reader) { _ = r.String() },
		`[null]`:  func(r *Reader) { r.Number() },
		`["1"]`:   func(r *Reader) { r.Number() },
		`[[]]`:    func(r *Reader) { r.Object() },
		`[{}]`:    func(r *Reader) { r.Array() },
		`[0]`:     func(r *Reader) { r.Bool() },
		`[false]`: func(r *Reader) { _ = r.String() },
	} {
		var r Reader
		r.Reset(in)
		r.Array()
		r.Next()
		read(&r)
		if k := gazetteer.KindOf(r.Err()); r.Err() == nil || k != gazetteer.Unprocessable || r.Pointer() != "/0" {
			t.Errorf("%s: %v", in, r.Err())
		}
		if r.Next() || r.String() != "" || r.Number() != 0 || r.Bool() {
			t.Errorf("%s: goes on after an error", in)
		}
	}
}

func TestReaderIsReusable(t *testing.T) {
	var r Reader
	for _, in := range []string{`{"a":{"a":1`, `{"a":1}`, `[[[[`, `{"b":{"b":2}}`} {
		r.Reset(in)
		want, wantErr := whole(in)
		if got := r.Raw(); got != want || fmt.Sprint(r.End()) != fmt.Sprint(wantErr) {
			t.Errorf("%s: %s %v, fresh: %s %v", in, got, r.Err(), want, wantErr)
		}
	}
}
