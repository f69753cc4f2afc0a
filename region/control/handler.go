package control

import (
	"context"
	"encoding/json"

	"gazetteer"
)

// Handler is what a regional server does for other members, and [Group] for its own
// process. Every one of them takes every request and passes it to the leader.
//
// Who may ask is the peer port's to know: Join is for anybody, the token decides; Plan
// and Acknowledge are for members; Apply is for regional servers.
type Handler interface {
	Join(context.Context, JoinRequest) (JoinReply, error)
	Plan(context.Context, PlanRequest) (PlanReply, error)
	Acknowledge(context.Context, AckRequest) (AckReply, error)
	Apply(context.Context, ApplyRequest) (ApplyReply, error)
}

// Caller carries a request to the [Group] of another process and brings its reply or its
// error, whose kind it keeps: the peer port. It gives up when the context ends.
type Caller interface {
	Call(ctx context.Context, addr string, request []byte) (reply []byte, err error)
}

// Hop is part of every request: whether it has been passed on. Once is enough.
type Hop struct {
	Passed bool `json:"passed,omitempty"`
}

// Routed is part of every reply.
type Routed struct {
	// NotLeader: nothing was done, for want of the leader. Ask again.
	NotLeader bool `json:"not_leader,omitempty"`
}

func (r Routed) notLeader() bool { return r.NotLeader }

// JoinRequest asks for admission.
type JoinRequest struct {
	Hop
	// Version is the command version that the process understands.
	Version int    `json:"version"`
	Node    Node   `json:"node"`
	Server  string `json:"server"` // see Member.Server
	Token   string `json:"token"`
}

// JoinReply lets a process in.
type JoinReply struct {
	Routed
	Region gazetteer.RegionID `json:"region,omitempty"`
	Group  string             `json:"group,omitempty"`
	Plan   []byte             `json:"plan,omitempty"`
}

// PlanRequest asks for a plan.
type PlanRequest struct {
	Hop
	// After is the epoch that the asker has. The reply comes when there is a newer plan,
	// or after a while without one.
	After uint64 `json:"after,omitempty"`
	// Fresh asks for a plan that shows all that was acknowledged before, at once.
	Fresh bool `json:"fresh,omitempty"`
}

// PlanReply holds a plan, or none if nothing changed.
type PlanReply struct {
	Routed
	Plan []byte `json:"plan,omitempty"`
}

// AckRequest says which plan a member uses, where it is reached and whom it misses. It is sent again and
// again, so that a new leader learns it.
type AckRequest struct {
	Hop
	Node   gazetteer.NodeID `json:"node"`
	Server string           `json:"server"`
	Addr   string           `json:"peer,omitempty"`
	HTTP   string           `json:"http,omitempty"`
	Epoch  uint64           `json:"epoch,omitempty"` // 0: none yet
	// Dead are those to whom the member has a link over which they do not answer.
	Dead []gazetteer.NodeID `json:"dead,omitempty"`
}

// AckReply says what the leader knows of the others.
type AckReply struct {
	Routed
	Settled uint64 `json:"settled,omitempty"` // see Group.Settled
}

// ApplyRequest carries a command.
type ApplyRequest struct {
	Hop
	Command []byte `json:"command"`
}

// ApplyReply says that the command was performed.
type ApplyReply struct {
	Routed
	Epoch uint64 `json:"epoch,omitempty"` // of the plan after it
}

// maxRequestBytes bounds a request: a command in base64, and room.
const maxRequestBytes = 2 * maxCommandBytes

// Serve answers a request that came over the peer port.
func Serve(ctx context.Context, h Handler, request []byte) ([]byte, error) {
	if len(request) > maxRequestBytes {
		return nil, requestError(gazetteer.TooLarge, "%d bytes, want at most %d", len(request), maxRequestBytes)
	}
	var e envelope
	if err := decodeStrict(request, &e); err != nil {
		return nil, requestError(gazetteer.Invalid, "%v", err)
	}
	if e.Version != commandVersion {
		return nil, requestError(gazetteer.Unsupported, "version %d, this server knows %d", e.Version, commandVersion)
	}
	switch e.Kind {
	case "join":
		return serve(ctx, e.Body, h.Join)
	case "plan":
		return serve(ctx, e.Body, h.Plan)
	case "acknowledge":
		return serve(ctx, e.Body, h.Acknowledge)
	case "apply":
		return serve(ctx, e.Body, h.Apply)
	}
	return nil, requestError(gazetteer.Unsupported, "this server knows no request %.80q", e.Kind)
}

func serve[Q, R any](ctx context.Context, body []byte, do func(context.Context, Q) (R, error)) ([]byte, error) {
	var q Q
	if err := decodeStrict(body, &q); err != nil {
		return nil, requestError(gazetteer.Invalid, "%v", err)
	}
	r, err := do(ctx, q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// remote is the Handler of another process.
type remote struct {
	Caller
	addr string
}

var _ Handler = remote{}

func (r remote) Join(ctx context.Context, q JoinRequest) (out JoinReply, err error) {
	return out, r.ask(ctx, "join", q, &out)
}

func (r remote) Plan(ctx context.Context, q PlanRequest) (out PlanReply, err error) {
	return out, r.ask(ctx, "plan", q, &out)
}

func (r remote) Acknowledge(ctx context.Context, q AckRequest) (out AckReply, err error) {
	return out, r.ask(ctx, "acknowledge", q, &out)
}

func (r remote) Apply(ctx context.Context, q ApplyRequest) (out ApplyReply, err error) {
	return out, r.ask(ctx, "apply", q, &out)
}

func (r remote) ask(ctx context.Context, kind string, q, reply any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return requestError(gazetteer.Internal, "%v", err)
	}
	data, err := json.Marshal(envelope{Version: commandVersion, Kind: kind, Body: body})
	if err != nil {
		return requestError(gazetteer.Internal, "%v", err)
	}
	answer, err := r.Call(ctx, r.addr, data)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, reply); err != nil {
		return requestError(gazetteer.Internal, "the reply of %s cannot be read: %v", r.addr, err)
	}
	return nil
}

func requestError(kind gazetteer.Kind, format string, args ...any) error {
	return opError("control.Serve", kind, format, args...)
}
