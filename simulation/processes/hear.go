package processes

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"

	"gazetteer"
)

// Node is a process that was started by [Run], as it sees itself. Its standard input
// brings charts, one a line of JSON, and its end is the order to end.
type Node struct {
	orders *json.Decoder
	ways   *ways
	dial   func(ctx context.Context, addr string) (net.Conn, error)
}

// Hear reads the first chart: without it a node must not speak with others.
func Hear(orders io.Reader) (*Node, error) {
	n := &Node{orders: json.NewDecoder(orders)}
	var c chart
	if err := n.orders.Decode(&c); err != nil {
		return nil, &gazetteer.Error{Op: "processes.Hear", Kind: gazetteer.Invalid, Err: err,
			Detail: "standard input brings no chart of the planet: this command is for gazetteer sim run --processes alone"}
	}
	n.ways = newWays(&c)
	n.dial = n.ways.dialer(c.From)
	return n, nil
}

// Dial opens a connection that takes as long as the chart says.
func (n *Node) Dial(ctx context.Context, addr string) (net.Conn, error) { return n.dial(ctx, addr) }

// Obey follows the charts that come, and returns when the node has to end: nil if it was
// told to, or if who has started it is gone.
func (n *Node) Obey() error {
	for {
		var c chart
		switch err := n.orders.Decode(&c); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &gazetteer.Error{Op: "processes.Obey", Kind: gazetteer.Invalid, Err: err, Detail: "a chart of the planet cannot be read"}
		}
		n.ways.follow(&c)
	}
}

// ready is what a node prints, as a line, when it is a member of its region.
const ready = "ready"

// Ready tells who has started the node that it is a member of its region.
func (n *Node) Ready(out io.Writer) error {
	_, err := io.WriteString(out, ready+"\n")
	return err
}
