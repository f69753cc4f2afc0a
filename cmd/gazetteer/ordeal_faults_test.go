package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"

	"gazetteer/simulation/check"
	"gazetteer/simulation/check/drive"
)

// faults runs the short form of the fault programme.
var faults = flag.Bool("faults", false, "one fault of each kind on a planet of processes: half a minute")

// TestFaultProgramme breaks a planet of processes while clients write, read and watch: it
// kills processes, cuts regions off from one another and lets processes stand still. Then
// every promise is held against all that the clients have recorded. In full length it is
// 100 kills of each role, 50 cuts and 50 pauses of 5 to 30 s, on regions of three; else one
// of each on regions of one.
func TestFaultProgramme(t *testing.T) {
	if !*long && !*faults {
		t.Skip("real processes, real time: -faults for one fault of each kind, -long for all")
	}
	times, each := faultTimes{kills: 1, cuts: 1, pauses: 1, pauseMost: 5 * time.Second}, 1
	terms := check.Terms{Calm: 3 * time.Second, MinRate: 20} // what a busy machine can do
	if *long {
		times, each = faultTimes{kills: 100, cuts: 50, pauses: 50, pauseMost: 30 * time.Second}, 3
		terms.MinRate = 0
	}
	p := &processPlanet{dir: t.TempDir(), regions: []string{"r0", "r1", "r2"}, each: each, t: t, nodes: map[string]*serverProcess{}}
	p.ways = newWays(p.regions)
	p.found(t)
	h := p.checked(t, func() {
		time.Sleep(terms.Calm) // its rate is that of a planet at which nothing is broken
		p.killAll(t, times.kills)
		p.cutAll(t, times.cuts)
		p.pauseAll(t, times)
	})
	mustKeep(t, h, terms)
}

type faultTimes struct {
	kills, cuts, pauses int
	pauseMost           time.Duration
}

// checked has clients ask all regions while something is done to them.
func (p *processPlanet) checked(t *testing.T, do func()) *check.History {
	t.Helper()
	over := make(chan struct{})
	c := drive.Config{Duration: 24 * time.Hour, Until: over, Rate: 250, Settle: patience, Seed: 1, Say: func(what string) { t.Log(what) }}
	for i := range p.regions {
		c.Doors = append(c.Doors, "http://"+p.nodes[p.members(i)[0]].http)
	}
	type outcome struct {
		h   *check.History
		err error
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		h, err := drive.Run(ctx, c)
		done <- outcome{h, err}
	}()
	do()
	close(over)
	out := <-done
	if out.err != nil {
		t.Fatal(out.err)
	}
	return out.h
}

// mustKeep fails the test for each promise that was broken, and if nothing was proved.
func mustKeep(t *testing.T, h *check.History, terms check.Terms) {
	t.Helper()
	r := check.Summarize(h, check.Judge(h, terms))
	t.Logf("%.0f operations a second for %.0f s, %d events watched, %d losers: %+v", r.Rate, r.Seconds, r.Watched, r.Journaled, r.Operations)
	if r.Invalid != "" {
		t.Errorf("it proves nothing: %s", r.Invalid)
	}
	for _, j := range r.Promises {
		t.Logf("%s: %d judged", j.Promise, j.Judged)
		for _, v := range j.Violations {
			t.Errorf("%s (%d times): %s\n%v", j.Promise, j.Broken, v.Detail, v.Evidence)
		}
	}
}

// killAll kills processes of each role, one after the other, and starts them again.
func (p *processPlanet) killAll(t *testing.T, times int) {
	t.Helper()
	roles := []func(region int) string{func(region int) string { return p.members(region)[0] }}
	if p.each > 1 {
		roles = append(roles, func(region int) string { return p.leaderOf(t, region) }, func(region int) string { return p.members(region)[p.each-1] })
	}
	for i := range times {
		for _, role := range roles {
			p.killAndRestart(t, role(i%len(p.regions)))
		}
	}
}

// cutAll cuts pairs of regions, and now and then one off from all others. The shortest cut
// is not seen as one, the longest gives another tree.
func (p *processPlanet) cutAll(t *testing.T, times int) {
	t.Helper()
	for i := range times {
		a := i % len(p.regions)
		for b := range p.regions {
			if b != a && (i%3 == 0 || b == (a+1)%len(p.regions)) {
				p.ways.set(p.regions[a], p.regions[b], true)
			}
		}
		time.Sleep(time.Second + time.Duration(i%5)*2*time.Second)
		for b := range p.regions {
			p.ways.set(p.regions[a], p.regions[b], false)
		}
		p.awaitTrees(t)
	}
}

// pauseAll lets processes stand still as a machine does that is moved.
func (p *processPlanet) pauseAll(t *testing.T, times faultTimes) {
	t.Helper()
	for i := range times.pauses {
		name := p.members(i % len(p.regions))[i/len(p.regions)%p.each]
		s := p.nodes[name]
		stand := 5*time.Second + rand.N(times.pauseMost-5*time.Second+1)
		if err := s.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(stand)
		if err := s.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		waitForStatus(t, "http://"+s.http+"/readyz", http.StatusOK)
		p.awaitTrees(t)
		t.Log(fmt.Sprintf("%s stood still for %v", name, stand))
	}
}
