package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer/api/client"
)

// load is what clients do while something is done to the planet: they read resources that
// never change, and write new ones. Each client begins at one face and goes on at the next
// when it gets an error, or no answer in time.
type load struct {
	name    string // of what it writes
	faces   []*client.Client
	rate    int           // requests a second
	perFace time.Duration // how long one face may take
	good    time.Duration // how long a read may take to count as good

	next  atomic.Int64
	again atomic.Int64 // tries that failed
	stop  chan struct{}
	ended sync.WaitGroup

	mu           sync.Mutex // guards all below
	reads        int
	late, failed []string // reads that were not good
	wrong        []string
	acknowledged []string // ids of writes that were
	unknown      int      // writes of which nobody said that they were done
}

const (
	stableResources = 300
	writesInTen     = 2
	workers         = 64
)

// begin sends requests until finish.
func (l *load) begin() {
	l.stop = make(chan struct{})
	began := time.Now()
	for range workers {
		l.ended.Go(func() { l.work(began) })
	}
}

func (l *load) work(began time.Time) {
	for {
		i := l.next.Add(1)
		due := began.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		select {
		case <-time.After(time.Until(due)):
		case <-l.stop:
			return
		}
		if i%10 < writesInTen {
			l.write(int(i))
		} else {
			l.read(int(i))
		}
	}
}

func (l *load) finish() {
	close(l.stop)
	l.ended.Wait()
}

// try asks the faces one after the other until one answers.
func (l *load) try(i int, ask func(context.Context, *client.Client) error) (err error) {
	for turn := range 3 * len(l.faces) {
		ctx, cancel := context.WithTimeout(context.Background(), l.perFace)
		err = ask(ctx, l.faces[(i+turn)%len(l.faces)])
		cancel()
		if err == nil {
			return nil
		}
		l.again.Add(1)
	}
	return err
}

func (l *load) read(i int) {
	id := stableID(i % stableResources)
	began := time.Now()
	var got client.Answer
	err := l.try(i, func(ctx context.Context, k *client.Client) (err error) {
		got, err = k.Resolve(ctx, client.Query{Type: "shelf", ID: id})
		return err
	})
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	switch {
	case err != nil:
		l.failed = append(l.failed, fmt.Sprintf("%v after %v", err, took))
	case len(got.Locations) != 1 || got.Locations[0].URL != document("shelf", id).Locations[0].URL:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %+v", id, got))
	case took > l.good:
		l.late = append(l.late, took.String())
	}
}

func (l *load) write(i int) {
	id := fmt.Sprintf("%s-%d", l.name, i)
	var w client.Written
	err := l.try(i, func(ctx context.Context, k *client.Client) (err error) {
		w, err = k.Put(ctx, document("shelf", id), client.WriteOptions{Ack: "ring"})
		return err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && !w.Short {
		l.acknowledged = append(l.acknowledged, id)
	} else {
		l.unknown++
	}
}

func stableID(i int) string { return fmt.Sprintf("stable-%d", i) }

// judge fails the test if reads were wrong, or more than one in a thousand not good.
func (l *load) judge(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	bad := len(l.late) + len(l.failed) + len(l.wrong)
	t.Logf("%d reads: %d late, %d failed, %d wrong; %d writes acknowledged, %d not", l.reads, len(l.late), len(l.failed), len(l.wrong), len(l.acknowledged), l.unknown)
	if len(l.wrong) > 0 {
		t.Errorf("%d wrong answers, such as %s", len(l.wrong), l.wrong[0])
	}
	if l.reads == 0 || len(l.acknowledged) == 0 || bad*1000 > l.reads {
		t.Errorf("%d of %d reads were not good: late %.3q, failed %.3q", bad, l.reads, some(l.late), some(l.failed))
	}
}

func some(all []string) []string { return all[:min(3, len(all))] }
