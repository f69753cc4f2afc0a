package planet

import (
	"context"
	"encoding/json"
	"fmt"

	"gazetteer"
)

// DirectoryService is the name under which the peer port offers [Planet.Serve].
const DirectoryService = "directory"

// serviceVersion is the only one of its requests.
const serviceVersion = 1

// envelope is a request between regions.
type envelope struct {
	Version int             `json:"v"`
	Kind    string          `json:"kind"`
	Body    json.RawMessage `json:"body"`
}

// Serve answers a request of another process, of this region or another. Who may ask is
// the peer port's to know: joining is for anybody, the token decides; everything else is
// for servers of the planet.
func (p *Planet) Serve(ctx context.Context, request []byte) ([]byte, error) {
	var e envelope
	if err := decodeStrict(request, &e); err != nil {
		return nil, refuse("Serve", gazetteer.Invalid, "", "%v", err)
	}
	if e.Version != serviceVersion {
		return nil, refuse("Serve", gazetteer.Unsupported, "", "version %d, this server knows %d", e.Version, serviceVersion)
	}
	switch e.Kind {
	case "where":
		return serve(ctx, e.Body, p.where)
	case "join":
		return serve(ctx, e.Body, p.admitRegion)
	case "doubt":
		return serve(ctx, e.Body, p.doubt)
	case "topology":
		return serve(ctx, e.Body, p.topology)
	}
	return nil, refuse("Serve", gazetteer.Unsupported, "", "this server knows no request %.40q", e.Kind)
}

func serve[Q, R any](ctx context.Context, body []byte, do func(context.Context, Q) (R, error)) ([]byte, error) {
	var q Q
	if err := decodeStrict(body, &q); err != nil {
		return nil, refuse("Serve", gazetteer.Invalid, "", "%v", err)
	}
	r, err := do(ctx, q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// caller carries a request to another process.
type caller func(ctx context.Context, request []byte) ([]byte, error)

func (p *Planet) toNode(n gazetteer.NodeID) caller {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		return p.Network.CallNode(ctx, n, DirectoryService, request)
	}
}

func (p *Planet) toAddr(addr string) caller {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		return p.Network.CallAddr(ctx, addr, DirectoryService, request)
	}
}

func ask(ctx context.Context, call caller, kind string, q, reply any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	request, err := json.Marshal(envelope{serviceVersion, kind, body})
	if err != nil {
		return err
	}
	answer, err := call(ctx, request)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, reply); err != nil {
		return refuse("Ask", gazetteer.Internal, "", "the answer to %s cannot be read: %v", kind, err)
	}
	return nil
}

func refuse(op string, kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "planet." + op, Kind: kind, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}
