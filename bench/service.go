package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// service is the product as one process with all roles.
type service struct {
	*process
	addr, dir string
}

// startService starts the product on a data directory of its own and waits until it is
// ready.
func startService(ctx context.Context, o options, name string) (*service, error) {
	dir, err := os.MkdirTemp(o.dir, name+"-")
	if err != nil {
		return nil, err
	}
	return resumeService(ctx, o, dir)
}

// resumeService starts the product on what a data directory holds, with more flags.
func resumeService(ctx context.Context, o options, dir string, flags ...string) (*service, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	geoip, err := writeGeoIP(o.dir)
	if err != nil {
		return nil, err
	}
	p, err := start("gazetteer server", o.gazetteer, append([]string{"server", "--http", addr, "--data", dir, "--geoip", geoip}, flags...)...)
	if err != nil {
		return nil, err
	}
	s := &service{process: p, addr: addr, dir: dir}
	ready, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return s, p.ready(ready, "http://"+addr+"/readyz")
}

// fill makes the type and imports records 0 to count.
func (s *service) fill(ctx context.Context, count int) error {
	if err := s.makeType(ctx); err != nil {
		return err
	}
	return s.importRecords(ctx, func(w io.Writer) error { return catalogue(w, 0, count) })
}

func (s *service) makeType(ctx context.Context) error {
	return s.call(ctx, http.MethodPut, "/v1/types/"+recordType, "application/json", strings.NewReader("{}"))
}

func (s *service) importRecords(ctx context.Context, write func(io.Writer) error) error {
	return s.importInto(ctx, recordType, write)
}

func (s *service) importInto(ctx context.Context, typ string, write func(io.Writer) error) error {
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, 256<<10)
		w.CloseWithError(firstOf(write(out), out.Flush()))
	}()
	defer r.Close()
	return s.call(ctx, http.MethodPost, "/v1/types/"+typ+"/resources:import", "application/x-ndjson", r)
}

func (s *service) call(ctx context.Context, method, path, contentType string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.addr+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s %s", method, path, r.Status, text)
	}
	return err
}

// writeGeoIP puts the bundled database where the product can open it as a file.
func writeGeoIP(dir string) (string, error) {
	name := filepath.Join(dir, "geoip.mmdb")
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	return name, os.WriteFile(name, geoipBytes(), 0o600)
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }
