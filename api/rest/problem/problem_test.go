package problem

import (
	"net/http"
	"regexp"
	"testing"

	"gazetteer"
)

func TestEveryKindHasARowAndComesBack(t *testing.T) {
	for k := gazetteer.Internal; k <= gazetteer.Denied; k++ {
		r := OfKind(k)
		if r.Kind != k {
			t.Errorf("kind %v has no row of its own", k)
		}
		if got := KindOf(r.Code, r.Status); got != k {
			t.Errorf("kind %v goes out as %s and comes back as %v", k, r.Code, got)
		}
	}
}

func TestRowsAreWellFormed(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[Code]bool{}
	for _, r := range Table() {
		if seen[r.Code] || !snake.MatchString(string(r.Code)) || r.Title == "" || http.StatusText(r.Status) == "" || r.Status < 400 {
			t.Errorf("bad row %+v", r)
		}
		seen[r.Code] = true
		if OfCode(r.Code) != r {
			t.Errorf("OfCode(%s) is another row", r.Code)
		}
	}
}

func TestKindOfAnswersOfOthers(t *testing.T) {
	for status, want := range map[int]gazetteer.Kind{
		404: gazetteer.NotFound, 413: gazetteer.TooLarge, 418: gazetteer.Invalid, 500: gazetteer.Internal, 502: gazetteer.Unavailable, 503: gazetteer.Unavailable, 504: gazetteer.Deadline,
	} {
		if got := KindOf("", status); got != want {
			t.Errorf("status %d is %v, want %v", status, got, want)
		}
	}
}
