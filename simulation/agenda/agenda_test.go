package agenda

import (
	"slices"
	"testing"
	"time"
)

func TestWhatIsPlannedFirstComesFirst(t *testing.T) {
	var a Agenda
	var got []string
	say := func(s string) func() { return func() { got = append(got, s) } }
	a.At(2*time.Second, say("c"))
	a.At(time.Second, say("a"))
	a.At(time.Second, say("b"))
	a.At(4*time.Second, say("not yet"))
	a.At(3*time.Second, func() { a.After(-time.Second, say("d")) })
	a.Run(3 * time.Second)
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("happened: %v, want %v", got, want)
	}
	if a.Now() != 3*time.Second || a.Steps() != 5 {
		t.Errorf("it is %v after %d steps, want 3 s after 5", a.Now(), a.Steps())
	}
	if a.Step(3 * time.Second) {
		t.Error("something happened that was not due")
	}
}
