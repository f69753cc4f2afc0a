package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// serveBareWatch is the least that a gin service can do for watchers: what is put goes
// to all who stream, with no order, no store and no way to come back.
func serveBareWatch(args []string) error {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	var c channels
	e.GET("/livez", func(c *gin.Context) { c.Status(http.StatusOK) })
	e.GET("/v1/watch", c.stream)
	e.PUT("/v1/types/:type/resources/:id", c.put)
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go endOnInterrupt(func() { os.Exit(0) })
	return http.Serve(l, e)
}

type channels struct {
	mu  sync.Mutex // guards following
	all map[chan []byte]bool
}

func (c *channels) put(g *gin.Context) {
	body, err := io.ReadAll(g.Request.Body)
	if err != nil {
		return
	}
	event := append(append([]byte("event: put\ndata: "), body...), "\n\n"...)
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.all {
		w <- event
	}
	g.Status(http.StatusNoContent)
}

func (c *channels) stream(g *gin.Context) {
	w := make(chan []byte, 16)
	c.mu.Lock()
	if c.all == nil {
		c.all = map[chan []byte]bool{}
	}
	c.all[w] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, w)
	}()
	g.Header("Content-Type", "text/event-stream")
	g.Writer.Flush()
	for {
		select {
		case event := <-w:
			if _, err := g.Writer.Write(event); err != nil {
				return
			}
			g.Writer.Flush()
		case <-g.Request.Context().Done():
			return
		}
	}
}

func startBareWatch(ctx context.Context) (*process, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	p, err := startSelf("bare-watch", addr)
	if err != nil {
		return nil, "", err
	}
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return p, addr, p.ready(ready, "http://"+addr+"/livez")
}
