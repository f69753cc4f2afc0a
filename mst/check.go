package mst

import "errors"

// What can be wrong with a message. None of it happens in a correct run over reliable
// FIFO edges whose ends agree on the weights.
var (
	errNoEdge    = errors.New("there is no edge to it")
	errAsleep    = errors.New("only connect and test may reach a sleeping node")
	errNotBranch = errors.New("the edge is no branch")
	errRejected  = errors.New("the edge was rejected")
	errLevel     = errors.New("the level does not fit")
	errUnasked   = errors.New("nothing was asked over this edge")
	errNotCore   = errors.New("it does not come from the core")
	errNoBest    = errors.New("no outgoing edge was found here")
	errKind      = errors.New("no message of GHS")
)

// check returns why m cannot come by j now, so that a forged or misdirected message is
// refused before it changes anything.
func (n *Node) check(j *edge, m Message) error {
	if j == nil {
		return errNoEdge
	}
	switch m := m.(type) {
	case Connect:
		return n.checkConnect(j, m)
	case Test:
		return unless(m.Level > 0, errLevel)
	}
	if n.sn == Sleeping {
		return errAsleep
	}
	switch m := m.(type) {
	case Initiate:
		return n.checkInitiate(j, m)
	case Accept, Reject:
		return unless(j == n.testEdge, errUnasked)
	case Report:
		return unless(j == n.inBranch || j.se == Branch && n.findCount > 0, errUnasked)
	case ChangeRoot:
		return n.checkChangeRoot(j)
	}
	return errKind
}

func (n *Node) checkConnect(j *edge, m Connect) error {
	switch {
	case j.se == Rejected:
		return errRejected
	case m.Level < 0 || m.Level > n.ln && j.se == Branch:
		return errLevel
	}
	return nil
}

// checkInitiate: whoever sends Initiate over an edge got a Connect by it before, or is
// in the same fragment.
func (n *Node) checkInitiate(j *edge, m Initiate) error {
	switch {
	case j.se != Branch:
		return errNotBranch
	case m.Level <= n.ln || m.State == Sleeping:
		return errLevel
	}
	return nil
}

func (n *Node) checkChangeRoot(j *edge) error {
	switch {
	case j != n.inBranch:
		return errNotCore
	case n.bestEdge == nil:
		return errNoBest
	}
	return nil
}

func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}
