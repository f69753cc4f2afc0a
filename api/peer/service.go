package peer

import (
	"context"
	"fmt"
	"maps"

	"gazetteer"
	"gazetteer/pb"
)

// Caller is who asks a service, as its hello said. Whether that is true is a matter of
// the TLS configurations.
type Caller struct {
	Node   gazetteer.NodeID
	Region gazetteer.RegionID // empty while the node does not know where it belongs
}

// Service answers one request. The context ends with the caller's deadline, or when the
// caller has gone. The memory of the request is the service's to keep. The reply is at
// most 4 MiB; of an error the caller gets kind, operation, key, pointer and detail.
type Service func(ctx context.Context, from Caller, request []byte) ([]byte, error)

// services are what this node answers beside its tiers, by name. It does not change.
type services map[string]Service

// HandleService makes f this node's service of the name. Its requests are answered by
// the pool of goroutines that answers the tiers' requests.
func (t *Transport) HandleService(name string, f Service) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := maps.Clone(*t.services.Load())
	next[name] = f
	t.services.Store(&next)
}

// CallNode asks a service of a node. The request is at most 4 MiB, and must not be
// changed before the reply is there. Errors are those of the service, or:
//
//   - Unavailable: the node cannot be reached, or the connection broke: what became of
//     the request is unknown.
//   - Deadline: no answer in time.
//   - Unsupported: the node has no such service.
//   - TooLarge: the request or the reply is.
func (t *Transport) CallNode(ctx context.Context, n gazetteer.NodeID, service string, request []byte) ([]byte, error) {
	if n == t.cfg.Node {
		return t.callSelf(ctx, service, request)
	}
	return t.pool(n).callService(ctx, service, request)
}

// CallAddr is CallNode for whoever answers at an address (host:port). Its certificate, if
// there are any, must name the host.
func (t *Transport) CallAddr(ctx context.Context, addr, service string, request []byte) ([]byte, error) {
	return t.addrs.pool(t, addr).callService(ctx, service, request)
}

func (t *Transport) callSelf(ctx context.Context, service string, request []byte) ([]byte, error) {
	f, err := t.service(service)
	if err != nil {
		return nil, err
	}
	return f(ctx, Caller{Node: t.cfg.Node, Region: t.home().region}, request)
}

func (t *Transport) service(name string) (Service, error) {
	f := (*t.services.Load())[name]
	if f == nil {
		return nil, &gazetteer.Error{Op: "peer.Serve", Kind: gazetteer.Unsupported, Detail: fmt.Sprintf("node %s has no service %.80q", t.cfg.Node, name)}
	}
	return f, nil
}

func (p *pool) callService(ctx context.Context, service string, request []byte) ([]byte, error) {
	c := p.t.calls.take(methodService, 0)
	defer p.t.calls.release(c)
	if len(service) > gazetteer.MaxIDBytes || len(request) > maxRequestBytes {
		return nil, &gazetteer.Error{Op: "peer.Call", Kind: gazetteer.TooLarge, Detail: fmt.Sprintf("the request has %d bytes and the name of its service %d; at most 4 MiB and %d", len(request), len(service), gazetteer.MaxIDBytes)}
	}
	c.body = pb.Append(nil, &pb.ServiceRequest{Service: service, Request: request})
	if err := p.do(ctx, c); err != nil {
		return nil, err
	}
	return c.reply, nil
}

// serveService finds a handler for a service's request.
func (s *served) serveService(h header, payload []byte) error {
	body := append([]byte(nil), payload...)
	var m pb.ServiceRequest
	if err := m.UnmarshalVTUnsafe(body); err != nil {
		return broken("peer.Serve", "the request is malformed", err)
	}
	f, err := s.t.service(m.Service)
	if err != nil {
		s.reply(h.id, err)
		return nil
	}
	s.t.count.requests.Add(1)
	return s.handOver(&request{conn: s, service: f, head: h, body: m.Request})
}

// ask has the service answer.
func (r *request) ask(dst []byte) ([]byte, error) {
	from := Caller{Node: r.conn.s.peer.node, Region: r.conn.s.peer.region}
	reply, err := r.service(r, from, r.body)
	if err != nil {
		return dst, err
	}
	if len(reply) > maxRequestBytes {
		return dst, tooLarge("peer.Serve")
	}
	return appendFrame(dst, header{id: r.head.id}, reply), nil
}
