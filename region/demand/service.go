package demand

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"gazetteer"
)

// Service is the name under which the peer port offers [Watch.Serve].
const Service = "demand"

// serviceVersion is the only one of its requests.
const serviceVersion = 1

// request asks a process of the region what its regional server was asked.
type request struct {
	Version int `json:"v"`
}

// Counts are what one regional server has been asked since it started.
type Counts struct {
	Uptime time.Duration `json:"uptime"` // by its own clock, of which only differences count
	Types  []Count       `json:"types"`
}

// Count is what was asked of one type, reads and writes together.
type Count struct {
	Type     gazetteer.Type `json:"type"`
	Requests uint64         `json:"requests"`
}

// Serve answers what this process has counted. Who may ask is the peer port's to know.
func (w *Watch) Serve(_ context.Context, body []byte) ([]byte, error) {
	var q request
	if err := decodeStrict(body, &q); err != nil {
		return nil, fail("Serve", gazetteer.Invalid, "%v", err)
	}
	if q.Version != serviceVersion {
		return nil, fail("Serve", gazetteer.Unsupported, "version %d, this server knows %d", q.Version, serviceVersion)
	}
	return json.Marshal(w.counts())
}

func (w *Watch) counts() Counts {
	out := Counts{Uptime: time.Since(w.began), Types: []Count{}}
	for _, d := range w.Server.Demand() {
		if !d.Type.Internal() {
			out.Types = append(out.Types, Count{d.Type, d.Reads + d.Writes})
		}
	}
	return out
}

// ask returns what another process has counted.
func (w *Watch) ask(ctx context.Context, n gazetteer.NodeID) (c Counts, err error) {
	body, err := json.Marshal(request{serviceVersion})
	if err != nil {
		return c, err
	}
	answer, err := w.Call(ctx, n, Service, body)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(answer, &c); err != nil {
		return c, fail("Ask", gazetteer.Internal, "what %q has counted cannot be read: %v", n, err)
	}
	return c, nil
}

// decodeStrict reads one JSON value and nothing after it, with known keys only.
func decodeStrict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the value")
	}
	return nil
}

func fail(op string, kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: "demand." + op, Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
