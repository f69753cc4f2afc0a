package mst

// The twelve procedures of the paper's appendix, under their numbers and with its names
// for the variables: SN, LN, FN, SE(j), w(j), in-branch, best-edge, best-wt, test-edge,
// find-count. "Place received message on end of queue" is putBack.

// Wake is (1), the response to spontaneous awakening. It can occur only while the node
// sleeps; later it does nothing.
func (n *Node) Wake() {
	if n.sn == Sleeping {
		n.wakeup()
		n.retry()
	}
}

// wakeup is (2): a fragment of one node, at level 0, connects over its lightest edge.
// The paper has no node without edges: its tree is complete.
func (n *Node) wakeup() {
	n.ln = 0
	n.setSN(Found)
	n.findCount = 0
	m := n.lightestBasic()
	if m == nil {
		n.halted = true
		return
	}
	n.setSE(m, Branch)
	n.send(m, Connect{0})
}

// onConnect is (3), the response to receipt of Connect(L) on edge j.
func (n *Node) onConnect(j *edge, m Connect) {
	if n.sn == Sleeping {
		n.wakeup()
	}
	switch {
	case m.Level < n.ln: // absorb a fragment of lower level at once
		n.setSE(j, Branch)
		n.send(j, Initiate{n.ln, n.fn, n.sn})
		if n.sn == Find {
			n.findCount++
		}
	case j.se == Basic: // a fragment does not wait for a higher one, a higher one waits
		n.putBack(j, m)
	default: // both sent Connect over j: merge, j is the core of the next level
		n.send(j, Initiate{n.ln + 1, j.w, Find})
	}
}

// onInitiate is (4), the response to receipt of Initiate(L, F, S) on edge j.
func (n *Node) onInitiate(j *edge, m Initiate) {
	n.setLN(m.Level, m.Fragment)
	n.setSN(m.State)
	n.inBranch = j
	n.bestEdge, n.bestWt = nil, Bound{}
	for _, i := range n.edges {
		if i == j || i.se != Branch {
			continue
		}
		n.send(i, m)
		if m.State == Find {
			n.findCount++
		}
	}
	if m.State == Find {
		n.test()
	}
}

// test is (5): ask over the lightest edge not yet known, or report when there is none.
func (n *Node) test() {
	n.testEdge = n.lightestBasic()
	if n.testEdge == nil {
		n.report()
		return
	}
	n.send(n.testEdge, Test{n.ln, n.fn})
}

// onTest is (6), the response to receipt of Test(L, F) on edge j.
func (n *Node) onTest(j *edge, m Test) {
	if n.sn == Sleeping {
		n.wakeup()
	}
	switch {
	case m.Level > n.ln: // this node may yet become one of the sender's fragment
		n.putBack(j, m)
	case m.Fragment != n.fn:
		n.send(j, Accept{})
	default:
		n.rejectBasic(j)
		if n.testEdge != j {
			n.send(j, Reject{})
		} else { // both ends tested j: each Test is the other's answer
			n.test()
		}
	}
}

// onAccept is (7), the response to receipt of Accept on edge j.
func (n *Node) onAccept(j *edge) {
	n.testEdge = nil
	if w := finite(j.w); w.less(n.bestWt) {
		n.bestEdge, n.bestWt = j, w
	}
	n.report()
}

// onReject is (8), the response to receipt of Reject on edge j.
func (n *Node) onReject(j *edge) {
	n.rejectBasic(j)
	n.test()
}

// report is (9): when all below and this node itself have searched, tell the core.
func (n *Node) report() {
	if n.findCount == 0 && n.testEdge == nil {
		n.setSN(Found)
		n.send(n.inBranch, Report{n.bestWt})
	}
}

// onReport is (10), the response to receipt of Report(w) on edge j. On the in-branch it
// comes from the other core node; the side with the lighter edge changes the root.
func (n *Node) onReport(j *edge, m Report) {
	switch {
	case j != n.inBranch:
		n.findCount--
		if m.Best.less(n.bestWt) {
			n.bestWt, n.bestEdge = m.Best, j
		}
		n.report()
	case n.sn == Find:
		n.putBack(j, m)
	case n.bestWt.less(m.Best):
		n.changeRoot()
	case !m.Best.Finite && !n.bestWt.Finite:
		n.halted = true
	}
}

// changeRoot is (11): go to the lightest outgoing edge, and connect over it.
func (n *Node) changeRoot() {
	if n.bestEdge.se == Branch {
		n.send(n.bestEdge, ChangeRoot{})
		return
	}
	n.send(n.bestEdge, Connect{n.ln})
	n.setSE(n.bestEdge, Branch)
}

// onChangeRoot is (12), the response to receipt of ChangeRoot.
func (n *Node) onChangeRoot() { n.changeRoot() }
