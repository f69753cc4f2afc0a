package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// A file is what mirrors are redirected to: a record of a type of its own with many
// locations.
const (
	fileType    = "file"
	mirrorsEach = 30
)

// benchRedirect compares a redirect to the best of many locations, with the next ones in
// its Link header, with a bare handler that sends constant headers of that size.
func benchRedirect(ctx context.Context, o options, t *table) error {
	s, err := startService(ctx, o, "redirect")
	if err != nil {
		return err
	}
	defer s.stop()
	records := max(o.records/mirrorsEach, 1)
	if err := s.fillFiles(ctx, records); err != nil {
		return err
	}
	ours := &target{pid: s.pid(), addr: s.addr, ask: redirectOf(records)}
	p, addr, err := startBareRedirect(ctx, ours)
	if err != nil {
		return err
	}
	defer p.stop()
	bare := &target{pid: p.pid(), addr: addr, ask: ours.ask}
	if err := interleave(o, []*target{ours, bare}); err != nil {
		return err
	}
	t.line(fmt.Sprintf("redirect, %d candidates, %d connections: CPU", mirrorsEach, conns), spreadOf(ours.cpu).String()+" µs", "")
	t.line("  bare gin handler, the same redirect: CPU", spreadOf(bare.cpu).String()+" µs", "")
	t.line("  ratio of CPU for redirects", spreadOf(ratios(ours.cpu, bare.cpu)).String(), "at most 1.5")
	return nil
}

func (s *service) fillFiles(ctx context.Context, records int) error {
	if err := s.call(ctx, http.MethodPut, "/v1/types/"+fileType, "application/json", strings.NewReader(`{"redirect":true}`)); err != nil {
		return err
	}
	return s.importInto(ctx, fileType, func(w io.Writer) error {
		for n := range records {
			if _, err := w.Write(append(appendResource(nil, fileType, n, mirrorsEach), '\n')); err != nil {
				return err
			}
		}
		return nil
	})
}

// redirectOf returns requests for a redirect to one of so many files.
func redirectOf(records int) request {
	return func(dst []byte, r *rand.Rand) []byte {
		dst = append(dst, "GET /v1/resolve/"+fileType+"/record-"...)
		dst = strconv.AppendInt(dst, int64(r.IntN(records)), 10)
		dst = append(dst, "?redirect=1&ip="...)
		dst = append(dst, clients[r.IntN(len(clients))]...)
		return append(dst, " HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n"...)
	}
}

// startBareRedirect starts a rival that sends headers as long as one of ours.
func startBareRedirect(ctx context.Context, ours *target) (*process, string, error) {
	head, _, err := exchange(ours.addr, ours.ask(nil, seeded()))
	if err != nil {
		return nil, "", err
	}
	in := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(head, "\r\n\r\n"...))))
	status, err := in.ReadLine()
	if err != nil {
		return nil, "", err
	}
	h, err := in.ReadMIMEHeader()
	if err != nil || !strings.Contains(status, "307") || h.Get("Location") == "" || h.Get("Link") == "" {
		return nil, "", fmt.Errorf("no redirect: %q: %v", head, err)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	p, err := startSelf("bare-redirect", addr, h.Get("Location"), h.Get("Link"))
	if err != nil {
		return nil, "", err
	}
	ready, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return p, addr, p.ready(ready, "http://"+addr+"/livez")
}

// serveBareRedirect redirects every client to one and the same place. Its arguments are
// the address and the headers Location and Link.
func serveBareRedirect(args []string) error {
	location, link := args[1], args[2]
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/livez", func(c *gin.Context) { c.Status(http.StatusOK) })
	e.GET("/v1/resolve/:type/:id", func(c *gin.Context) {
		c.Header("Link", link)
		c.Redirect(http.StatusTemporaryRedirect, location)
	})
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go endOnInterrupt(func() { os.Exit(0) })
	return http.Serve(l, e)
}
