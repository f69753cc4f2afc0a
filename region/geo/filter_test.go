package geo

import (
	"strings"
	"testing"

	"gazetteer"
)

func TestFilterMatches(t *testing.T) {
	l := gazetteer.Location{ID: "fra-1", Country: "DE", Labels: []gazetteer.Label{
		{Key: "a=b", Value: "x,y"}, {Key: "empty", Value: ""}, {Key: "tier", Value: "gold"}, {Key: "été", Value: "oui"},
	}}
	for text, want := range map[string]bool{
		"":                            true,
		"country":                     true,
		"country=DE":                  true,
		"country=de":                  true,
		"country=FR":                  false,
		"country!=FR":                 true,
		"country!=FR,country!=DE":     false,
		"id=fra-1":                    true,
		"id!=fra-1":                   false,
		"tier":                        true,
		"tier=gold":                   true,
		"tier=Gold":                   false,
		"tier=gold,country=DE,id":     true,
		"tier=gold,country=DE,absent": false,
		"absent=":                     false,
		"absent!=x":                   true,
		"empty":                       true,
		"empty=":                      true,
		"empty!=":                     false,
		`a\=b=x\,y`:                   true,
		`a\=b!=x\,y`:                  false,
		"été=oui":                     true,
		" tier":                       false,
	} {
		f, err := ParseFilter(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := f.Match(&l); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if f := mustFilter(t, "country"); f.Match(&gazetteer.Location{ID: "x"}) {
		t.Error("a location without a country has one")
	}
}

func TestFilterErrorsNameThePosition(t *testing.T) {
	for text, says := range map[string]string{
		"=x":                           "byte 0: want a key",
		",":                            "byte 0: want a key",
		"tier=gold,":                   "byte 10: want a key",
		"tier=gold,,id":                "byte 10: want a key",
		"tier==gold":                   `byte 5: '=' is out of place`,
		"tier=a!=b":                    `byte 6: '!' is out of place`,
		"tier!gold":                    `byte 4: '!' is out of place`,
		"a,tier!":                      `byte 6: '!' is out of place`,
		`tier=a\`:                      `byte 7: a backslash stands only before one of ,=!\`,
		`tier=a\b`:                     `byte 7: a backslash`,
		"id=x,country=DEU":             `byte 13: "DEU" is not an ISO 3166-1 alpha-2`,
		"country!=":                    `byte 9: "" is not an ISO`,
		"tier=\xff":                    "byte 5: not valid UTF-8",
		strings.Repeat("a,", 40) + "a": "byte 64: more than 32 conditions",
		strings.Repeat("a", 5000):      "byte 4096: longer than 4096 bytes",
	} {
		_, err := ParseFilter(text)
		if err == nil || !strings.Contains(err.Error(), says) || gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%.40q: got %v, want %q", text, err, says)
		}
	}
}

// What is read is written so that it reads the same, and it says of a location what
// the conditions say one by one.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"", "country=DE", "a!=b,id", `a\=b=x\,y\\`, "tier==x", `\`, "été=", ",", "country=xx,b!="} {
		f.Add(seed)
	}
	l := gazetteer.Location{ID: "x", Country: "DE", Labels: []gazetteer.Label{{Key: "a", Value: "b"}}}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text)
		if err != nil {
			if gazetteer.KindOf(err) != gazetteer.Invalid || !strings.Contains(err.Error(), "byte ") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseFilter(filter.String())
		if err != nil || again.String() != filter.String() {
			t.Fatalf("%q: %q reads as %q, %v", text, filter, again, err)
		}
		all := true
		for _, c := range filter.conditions {
			all = all && Filter{conditions: []condition{c}}.Match(&l)
		}
		if filter.Match(&l) != all {
			t.Fatalf("%q does not match as its conditions do", text)
		}
	})
}
