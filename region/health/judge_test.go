package health

import (
	"fmt"
	"slices"
	"testing"

	"gazetteer"
)

// rounds plays checks: one column for each location, one row for each round; "+" answers,
// "-" fails, " " was not checked.
func rounds(s Spec, rows ...string) (said []string) {
	j := NewJudge(s)
	down := map[int]bool{}
	for _, row := range rows {
		var results []Result
		var of []int
		for i, c := range row {
			if c != ' ' {
				n := Name{ID: "debian", Location: gazetteer.LocationID(fmt.Sprint(i))}
				results, of = append(results, Result{n, c == '+', down[i]}), append(of, i)
			}
		}
		v, text := j.Round(results), ""
		for _, i := range v.Down {
			down[of[i]] = true
			text += fmt.Sprint("down", of[i])
		}
		for _, i := range v.Up {
			down[of[i]] = false
			text += fmt.Sprint("up", of[i])
		}
		if v.Capped > 0 {
			text += fmt.Sprint("capped", v.Capped)
		}
		said = append(said, text)
	}
	return said
}

func TestJudge(t *testing.T) {
	s := Spec{Rise: 2, Fall: 3}
	for name, c := range map[string]struct{ rows, want []string }{
		"falls_and_rises":      {[]string{"-++", "-++", "-++", "+++", "+++"}, []string{"", "", "down0", "", "up0"}},
		"flapping_is_borne":    {[]string{"-++", "-++", "+++", "-++", "-++"}, []string{"", "", "", "", ""}},
		"an_alarm_is_borne":    {[]string{"-++", "-++", "-++", "+++", "-++", "+++"}, []string{"", "", "down0", "", "", ""}},
		"unchecked_begins_new": {[]string{"-++", "-++", " ++", "-++", "-++", "-++"}, []string{"", "", "", "", "", "down0"}},
		"most_fail_at_once":    {[]string{"---+", "---+", "---+", "---+"}, []string{"", "", "capped3", "capped3"}},
		"half_may_go":          {[]string{"--++", "--++", "--++"}, []string{"", "", "down0down1"}},
		"half_in_all":          {[]string{"--++", "--++", "--++", "---+", "---+", "---+"}, []string{"", "", "down0down1", "", "", "capped1"}},
		"back_while_others_go": {[]string{"-++", "-++", "-++", "+-+", "+-+", "+-+"}, []string{"", "", "down0", "", "up0", "down1"}},
		"one_alone":            {[]string{"-", "-", "-"}, []string{"", "", "down0"}},
		"nothing_to_check":     {[]string{""}, []string{""}},
	} {
		if got := rounds(s, c.rows...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestSpecsThatCannotBe(t *testing.T) {
	for pointer, s := range map[string]Spec{
		"/health/kind":             {Kind: "exec"},
		"/health/interval_seconds": {Kind: HTTP, Interval: 1},
		"/health/timeout_seconds":  {Kind: HTTP, Interval: intervalMin, Timeout: 2 * intervalMin},
		"/health/path":             {Kind: HTTP, Path: "http://169.254.169.254/"},
		"/health/rise":             {Kind: HTTP, Rise: -1},
		"/health/fall":             {Kind: TCP, Fall: 11},
	} {
		err, ok := s.Complete().(*gazetteer.Error)
		if !ok || err.Pointer != pointer || err.Kind != gazetteer.Unprocessable {
			t.Errorf("%+v: %v, want an error at %s", s, err, pointer)
		}
	}
	for _, s := range []Spec{{}, {Kind: TCP}, {Kind: HTTP, Path: "/health?deep=1"}} {
		if err := s.Complete(); err != nil {
			t.Error(err)
		}
	}
}
