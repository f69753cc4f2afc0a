package router

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// askPatience is how long a regional server may take to say which regions there are, or
// that it is ready. The way around the earth takes a third of it.
const askPatience = time.Second

// Run reads the directory and checks the servers again and again until ctx ends.
func (r *Router) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { r.pace(ctx, r.learn) })
	all.Go(func() { r.pace(ctx, r.check) })
	all.Wait()
}

// pace does something at once, then at every interval.
func (r *Router) pace(ctx context.Context, do func(context.Context)) {
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for {
		do(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// learn reads the directory. While nobody tells, the last known regions stay.
func (r *Router) learn(ctx context.Context) {
	regions, err := r.Source(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.chart.learn(regions)
	}
}

// check asks all servers at once whether they are ready. It waits for no answer longer
// than askPatience, so a server that is silent holds nobody up.
func (r *Router) check(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	r.mu.Lock()
	urls := r.chart.urls()
	r.mu.Unlock()
	var all sync.WaitGroup
	for _, u := range urls {
		all.Go(func() {
			start := time.Now()
			ready := r.isReady(ctx, u)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.chart.checked(u, ready, time.Since(start))
		})
	}
	all.Wait()
}

func (r *Router) isReady(ctx context.Context, url string) bool {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := r.transport.RoundTrip(q)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// newTransport keeps connections to a few servers that get all requests. What does not
// listen is known within a second, what does not begin to answer in half a minute: a
// regional server gives a write up before that.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: askPatience}).DialContext,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        time.Minute,
		ResponseHeaderTimeout:  30 * time.Second,
		ExpectContinueTimeout:  5 * time.Second,
		TLSHandshakeTimeout:    2 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
}
