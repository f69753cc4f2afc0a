package mst

import "testing"

// The rules of the paper, one test for each sentence of its appendix. Numbers are those
// of the procedures there.

// (1) "Response to spontaneous awakening (can occur only at a node in the sleeping
// state): execute procedure wakeup."
func TestOnlyASleepingNodeWakes(t *testing.T) {
	p := node(t, "b", "a:1")
	p.is("sleeping 0")
	p.wakes("a connect 0")
	p.wakes()
}

// (2) Let m be the adjacent edge of minimum weight: SE(m) = Branch, LN = 0, SN = Found,
// find-count = 0, send Connect(0) on m.
func TestWakeupConnectsOverTheLightestEdge(t *testing.T) {
	p := node(t, "b", "a:5 c:2 d:9")
	p.wakes("c connect 0")
	p.is("found 0")
	p.edge("c", Branch)
	p.edge("a", Basic)
}

// Of edges with one cost the names decide, the smaller name first, then the larger.
func TestNamesBreakTies(t *testing.T) {
	node(t, "b", "c:5 a:5 d:5").wakes("a connect 0")
	node(t, "b", "d:5 c:5").wakes("c connect 0")
}

// The paper has at least two nodes. One without edges is a complete tree.
func TestNodeWithoutEdgesHalts(t *testing.T) {
	p := node(t, "a", "")
	p.wakes()
	if !p.Halted() {
		t.Error("it has not halted")
	}
}

// (3) Connect: if SN = Sleeping then execute procedure wakeup.
func TestConnectWakesASleeper(t *testing.T) {
	p := node(t, "b", "a:5 c:2")
	p.takes("a", Connect{0}, "c connect 0")
	p.waits(1)
}

// (3) If L < LN: SE(j) = Branch, send Initiate(LN, FN, SN) on j.
func TestConnectFromLowerLevelIsAbsorbed(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.searching(1)
	p.sends("joining", []string{"a connect 0", "c test 1 x/y:1"})
	p.takes("c", Accept{}, "a report b/c:2") // it is Found from here
	p.takes("c", Connect{0}, "c initiate 1 x/y:1 found")
	p.edge("c", Branch)
}

// (3) ... and if SN = Find then find-count = find-count + 1: the newcomers take part in
// the search, and the report waits for them.
func TestAbsorbedInASearchTakesPartInIt(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(1)
	p.sends("joining", []string{"a connect 0", "c test 1 x/y:1"})
	p.takes("d", Connect{0}, "d initiate 1 x/y:1 find")
	p.takes("c", Accept{})
	p.takes("d", Report{}, "a report b/c:2")
}

// (3) Else if SE(j) = Basic: place received message on end of queue.
func TestConnectOfSameLevelOnABasicEdgeWaits(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.wakes("a connect 0")
	p.takes("c", Connect{0})
	p.waits(1)
	p.takes("a", Initiate{1, fragment(1), Found}, "c initiate 1 x/y:1 found")
	p.waits(0)
}

// (3) Else send Initiate(LN + 1, w(j), Find) on j: both ends sent Connect, j is the core.
func TestTwoConnectsOverOneEdgeMerge(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.wakes("a connect 0")
	p.takes("a", Connect{0}, "a initiate 1 a/b:1 find")
	p.is("found 0") // it joins the new fragment with the other's Initiate
	p.takes("a", Initiate{1, WeightOf(1, "a", "b"), Find}, "c test 1 a/b:1")
	p.is("find 1")
}

// (4) Initiate: on every other edge with SE = Branch send Initiate(L, F, S), and if S =
// Find then find-count = find-count + 1.
func TestInitiateIsPassedOnAwayFromTheCore(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(1)
	p.hears("c", Accept{})
	p.takes("d", Connect{0}, "d initiate 1 x/y:1 found")
	p.takes("a", Initiate{2, fragment(2), Find}, "d initiate 2 x/y:2 find", "c test 2 x/y:2")
	p.takes("c", Accept{})
	p.takes("d", Report{}, "a report b/c:2")
}

// (4) If S = Find then execute procedure test; with S = Found there is no search.
func TestInitiateFoundStartsNoSearch(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.wakes("a connect 0")
	p.takes("a", Initiate{3, fragment(3), Found})
	p.is("found 3")
}

// (4) best-edge = nil, best-wt = infinity: what an earlier search found is forgotten.
func TestInitiateForgetsTheLastSearch(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.searching(1)
	p.hears("c", Accept{})
	p.takes("a", Initiate{2, fragment(2), Find}, "c test 2 x/y:2")
	p.takes("c", Reject{}, "a report infinity")
}

// (5) test-edge = the minimum-weight adjacent edge in state Basic, send Test(LN, FN).
func TestLightestBasicEdgeIsTested(t *testing.T) {
	p := node(t, "b", "a:1 c:7 d:3")
	p.searching(2)
	p.sends("joining", []string{"a connect 0", "d test 2 x/y:2"})
}

// (5) No such edge: test-edge = nil, execute procedure report.
func TestNoBasicEdgeReportsInfinity(t *testing.T) {
	p := node(t, "b", "a:1")
	p.searching(1)
	p.sends("joining", []string{"a connect 0", "a report infinity"})
	p.is("found 1")
}

// (6) Test: if SN = Sleeping then execute procedure wakeup.
func TestTestWakesASleeper(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.takes("c", Test{1, fragment(1)}, "a connect 0")
	p.waits(1)
}

// (6) If L > LN: place received message on end of queue.
func TestTestFromHigherLevelWaits(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.searching(1)
	p.sends("joining", []string{"a connect 0", "c test 1 x/y:1"})
	p.takes("c", Test{2, fragment(2)})
	p.waits(1)
	p.takes("c", Accept{}, "a report b/c:2")
	p.waits(1)
	p.takes("a", Initiate{2, fragment(2), Found}, "c reject")
}

// (6) Else if F differs from FN: send Accept.
func TestTestFromAnotherFragmentIsAccepted(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(2)
	p.Ready()
	p.takes("d", Test{1, fragment(1)}, "d accept")
	p.takes("d", Test{2, WeightOf(2, "v", "w")}, "d accept") // the name counts, not its cost
	p.edge("d", Basic)
}

// (6) Else if SE(j) = Basic: SE(j) = Rejected; if test-edge is not j send Reject.
func TestTestFromTheSameFragmentIsRejected(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(2)
	p.Ready()
	p.takes("d", Test{2, fragment(2)}, "d reject")
	p.edge("d", Rejected)
}

// (6) ... also while nothing is being tested: nil is not j.
func TestRejectWhileNothingIsTested(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(2)
	p.hears("c", Accept{})
	p.takes("d", Test{2, fragment(2)}, "d reject")
}

// (6) Else (both ends tested j) execute procedure test: no Reject is needed.
func TestTwoTestsOverOneEdgeNeedNoReject(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(2)
	p.sends("joining", []string{"a connect 0", "c test 2 x/y:2"})
	p.takes("c", Test{2, fragment(2)}, "d test 2 x/y:2")
	p.edge("c", Rejected)
}

// (7) Accept: test-edge = nil; if w(j) < best-wt then best-edge = j, best-wt = w(j);
// execute procedure report.
func TestAcceptedEdgeIsReported(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.searching(1)
	p.Ready()
	p.takes("c", Accept{}, "a report b/c:2")
	p.is("found 1")
}

// (7) A lighter edge that a branch has reported before stays the best.
func TestAcceptedEdgeLosesToALighterReport(t *testing.T) {
	p := node(t, "b", "a:1 c:5 d:6")
	p.searching(1)
	p.hears("d", Connect{0})
	p.takes("d", Report{finite(WeightOf(3, "d", "e"))})
	p.takes("c", Accept{}, "a report d/e:3")
	p.takes("a", ChangeRoot{}, "d change_root")
}

// (8) Reject: if SE(j) = Basic then SE(j) = Rejected; execute procedure test.
func TestRejectedEdgeIsFollowedByTheNext(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(1)
	p.sends("joining", []string{"a connect 0", "c test 1 x/y:1"})
	p.takes("c", Reject{}, "d test 1 x/y:1")
	p.edge("c", Rejected)
	p.takes("d", Reject{}, "a report infinity")
}

// (8) ... an edge that became a branch meanwhile stays one: SE(j) is not Basic.
func TestRejectLeavesABranchAlone(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.searching(1)
	p.Ready()
	p.takes("c", Connect{0}, "c initiate 1 x/y:1 find")
	p.takes("c", Reject{})
	p.edge("c", Branch)
}

// (9) If find-count = 0 and test-edge = nil: SN = Found, send Report(best-wt) on
// in-branch.
func TestReportWaitsForBranchesAndTest(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3 e:4")
	p.searching(1)
	p.hears("d", Connect{0})
	p.hears("e", Connect{0})
	p.takes("d", Report{})
	p.takes("c", Accept{})
	p.is("find 1")
	p.takes("e", Report{}, "a report b/c:2")
	p.is("found 1")
}

// (10) Report on j, not the in-branch: find-count = find-count - 1; if w < best-wt then
// best-wt = w, best-edge = j.
func TestLightestReportIsPassedOn(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3 e:4")
	p.searching(1)
	p.hears("d", Connect{0})
	p.hears("e", Connect{0})
	p.takes("e", Report{finite(WeightOf(5, "e", "g"))})
	p.takes("d", Report{finite(WeightOf(7, "d", "f"))})
	p.takes("c", Reject{}, "a report e/g:5")
	p.takes("a", ChangeRoot{}, "e change_root")
}

// coreNode is a core node of the fragment a/b, its own search done: lightest edge b/c:5.
func coreNode(t *testing.T) *play {
	t.Helper()
	p := node(t, "b", "a:1 c:5")
	p.wakes("a connect 0")
	p.takes("a", Connect{0}, "a initiate 1 a/b:1 find")
	p.takes("a", Initiate{1, WeightOf(1, "a", "b"), Find}, "c test 1 a/b:1")
	return p
}

// (10) On the in-branch, SN = Find: place received message on end of queue.
func TestReportOfTheOtherCoreNodeWaits(t *testing.T) {
	p := coreNode(t)
	p.takes("a", Report{finite(WeightOf(9, "a", "d"))})
	p.waits(1)
	p.takes("c", Accept{}, "a report b/c:5", "c connect 1")
	p.waits(0)
}

// (10) ... else if w > best-wt then execute procedure change-root.
func TestLighterSideOfTheCoreChangesTheRoot(t *testing.T) {
	p := coreNode(t)
	p.takes("c", Accept{}, "a report b/c:5")
	p.takes("a", Report{finite(WeightOf(9, "a", "d"))}, "c connect 1")
	p.edge("c", Branch)
}

// (10) ... infinity is above every weight.
func TestInfinityIsHeavier(t *testing.T) {
	p := coreNode(t)
	p.takes("c", Accept{}, "a report b/c:5")
	p.takes("a", Report{}, "c connect 1")
}

// (10) ... with w < best-wt the other side acts.
func TestHeavierSideOfTheCoreDoesNothing(t *testing.T) {
	p := coreNode(t)
	p.takes("c", Accept{}, "a report b/c:5")
	p.takes("a", Report{finite(WeightOf(2, "a", "d"))})
	p.edge("c", Basic)
}

// (10) ... else if w = best-wt = infinity then halt.
func TestNoOutgoingEdgeOnBothSidesHalts(t *testing.T) {
	p := coreNode(t)
	p.takes("c", Reject{}, "a report infinity")
	if p.Halted() {
		t.Fatal("halted before the other side has reported")
	}
	p.takes("a", Report{})
	if !p.Halted() {
		t.Error("it has not halted")
	}
}

// (11) change-root: if SE(best-edge) = Branch send ChangeRoot on best-edge, else send
// Connect(LN) on best-edge and SE(best-edge) = Branch. (12) Response to ChangeRoot:
// execute procedure change-root.
func TestChangeRootEndsInAConnect(t *testing.T) {
	p := node(t, "b", "a:1 c:2")
	p.searching(3)
	p.hears("c", Accept{})
	p.takes("a", ChangeRoot{}, "c connect 3")
	p.edge("c", Branch)
}

// After the halt late messages are answered as before.
func TestHaltedNodeAnswers(t *testing.T) {
	p := coreNode(t)
	p.hears("c", Reject{})
	p.hears("a", Report{})
	p.takes("c", Test{1, WeightOf(1, "a", "b")}, "c reject")
}
