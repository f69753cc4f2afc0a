package geo

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/aws"
)

// A measurer is a table of reports in virtual time.
type measurer struct {
	*Measurements
	now time.Time
}

func newMeasurer() *measurer {
	return &measurer{NewMeasurements(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// report takes "ADDRESS REGION=MS REGION=MS".
func (m *measurer) report(lines ...string) {
	for _, line := range lines {
		words := strings.Fields(line)
		var all []Measurement
		for _, w := range words[1:] {
			region, ms, _ := strings.Cut(w, "=")
			d, err := time.ParseDuration(ms + "ms")
			if err != nil {
				panic(err)
			}
			all = append(all, Measurement{gazetteer.RegionID(region), d})
		}
		m.Take(m.now, netip.MustParseAddr(words[0]), all)
	}
}

// known writes down what is learned for an address: ms/length/sources, and the network
// for which this holds.
func (m *measurer) known(a, region string) string {
	row, around := m.Learn(m.now).Find(netip.MustParseAddr(a))
	rtt := row.To(gazetteer.RegionID(region))
	if rtt.MS == 0 {
		return "nothing in " + around.String()
	}
	return fmt.Sprintf("%.0f/%d/%d in %s", rtt.MS, rtt.Length, rtt.Sources, around)
}

func TestWhoseMeasurementsCount(t *testing.T) {
	type question struct{ addr, want string }
	for _, c := range []struct {
		name    string
		reports []string
		ask     []question
	}{
		{"a client counts for itself alone", []string{"81.2.69.1 fra=10", "81.2.69.1 fra=12"}, []question{
			{"81.2.69.1", "12/32/1 in 81.2.69.1/32"}, {"::ffff:81.2.69.1", "12/32/1 in 81.2.69.1/32"},
			{"81.2.69.0", "nothing in 81.2.69.0/32"}, {"81.2.69.2", "nothing in 81.2.69.2/31"}, {"9.9.9.9", "nothing in 0.0.0.0/2"}}},
		{"three count for their network", []string{"81.2.69.1 fra=10", "81.2.69.2 fra=12", "81.2.69.3 fra=11"}, []question{
			{"81.2.69.200", "11/24/3 in 81.2.69.128/25"}, {"81.2.69.2", "12/32/1 in 81.2.69.2/32"}, {"81.2.68.1", "nothing in 81.2.68.0/24"}}},
		{"the median, whatever one says", []string{"81.2.69.1 fra=10", "81.2.69.2 fra=0.1", "81.2.69.3 fra=11"}, []question{
			{"81.2.69.200", "10/24/3 in 81.2.69.128/25"}}},
		{"three networks count for a wider one", []string{"81.2.64.1 fra=10", "81.2.65.1 fra=12", "81.2.66.1 fra=11"}, []question{
			{"81.2.79.1", "11/20/3 in 81.2.72.0/21"}, {"81.2.200.1", "11/16/3 in 81.2.128.0/17"}, {"81.3.0.1", "nothing in 81.3.0.0/16"}}},
		{"a thousand clients of one network are one source", []string{"81.2.64.1 fra=10", "81.2.64.2 fra=10", "81.2.64.3 fra=10", "81.2.65.1 fra=12"}, []question{
			{"81.2.79.1", "nothing in 81.2.72.0/21"}}},
		{"who is at different places has no round trip in common", []string{"81.2.64.1 fra=10", "81.2.65.1 fra=100", "81.2.66.1 fra=300"}, []question{
			{"81.2.79.1", "nothing in 81.2.72.0/21"}}},
		{"a region that one has not measured is as his network says", []string{"81.2.69.1 fra=10 syd=290", "81.2.69.2 fra=12 syd=280", "81.2.69.3 syd=285"}, []question{
			{"81.2.69.3", "nothing in 81.2.69.3/32"}}},
		{"IPv6", []string{"2a02:1:1:1::1 fra=10", "2a02:1:1:2::1 fra=12", "2a02:1:1:3::1 fra=11"}, []question{
			{"2a02:1:1:1::ffff", "10/64/1 in 2a02:1:1:1::/64"}, {"2a02:1:1:8000::1", "11/48/3 in 2a02:1:1:8000::/49"}, {"2a02:1:2::1", "nothing in 2a02:1:2::/47"}}},
		{"who is nowhere says nothing", []string{"10.0.0.1 fra=10", "fe80::1%eth0 fra=10", "127.0.0.1 fra=10"}, []question{
			{"10.0.0.1", "nothing in 0.0.0.0/0"}, {"fe80::1", "nothing in ::/0"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMeasurer()
			m.report(c.reports...)
			for _, q := range c.ask {
				if got := m.known(q.addr, "fra"); got != q.want {
					t.Errorf("%s: %s, want %s", q.addr, got, q.want)
				}
			}
		})
	}
}

func TestRegionsOneHasNotMeasured(t *testing.T) {
	m := newMeasurer()
	m.report("81.2.69.1 fra=10 syd=290", "81.2.69.2 fra=12 syd=280", "81.2.69.3 fra=11 syd=285", "81.2.69.4 fra=11")
	if got := m.known("81.2.69.4", "syd"); got != "285/24/3 in 81.2.69.4/32" {
		t.Errorf("got %s", got)
	}
}

func TestMeasurementsAge(t *testing.T) {
	m := newMeasurer()
	m.report("81.2.69.1 fra=10 syd=290")
	m.now = m.now.Add(20 * time.Hour)
	m.report("81.2.69.1 fra=11")
	if got := m.known("81.2.69.1", "syd"); got != "290/32/1 in 81.2.69.1/32" {
		t.Errorf("after 20 h: %s", got)
	}
	m.now = m.now.Add(5 * time.Hour)
	if got := m.known("81.2.69.1", "fra") + ", " + m.known("81.2.69.1", "syd"); got != "11/32/1 in 81.2.69.1/32, nothing in 81.2.69.1/32" {
		t.Errorf("after 25 h: %s", got)
	}
	m.now = m.now.Add(20 * time.Hour)
	if got := m.known("81.2.69.1", "fra"); got != "nothing in 0.0.0.0/0" || len(m.clients)+len(m.held)+len(m.of) != 0 {
		t.Errorf("after 45 h: %s, %d clients", got, len(m.clients))
	}
}

// No network can take another's room, nor all of them more than there is.
func TestMemoryIsBounded(t *testing.T) {
	m := newMeasurer()
	m.rules.clients, m.rules.perWidest = 400, 100
	m.report("9.9.9.9 fra=10")
	for i := range 5000 { // one /24, then one /16, then all there is
		m.now = m.now.Add(time.Second)
		m.report(fmt.Sprintf("81.2.69.%d fra=1", i%256), fmt.Sprintf("2a02:%x::1 fra=1", i%64), fmt.Sprintf("16.1.%d.%d fra=1", i/256, i%256))
		if len(m.clients) > 400 || len(m.of[netip.MustParsePrefix("81.2.69.0/24")]) > 16 || m.held[netip.MustParsePrefix("16.1.0.0/16")] > 100 {
			t.Fatalf("after %d: %d clients, %v", i, len(m.clients), m.held)
		}
	}
	if m.held[netip.MustParsePrefix("16.1.0.0/16")] != 100 {
		t.Errorf("a network fills its room: %v", m.held)
	}
	if got := m.known("9.9.9.9", "fra"); got != "10/32/1 in 9.9.9.9/32" {
		t.Errorf("what an honest client said is gone: %s", got)
	}
	for i := range 1000 {
		m.report(fmt.Sprintf("%d.%d.9.9 fra=1", 20+i%100, i/100))
	}
	if n := len(m.clients); n != 400 {
		t.Errorf("%d clients", n)
	}
	m.Learn(m.now)
	if n := len(m.clients); n >= 400 {
		t.Errorf("no room for newer clients: %d", n)
	}
}

// globe is clients at the places of AWS's regions, and a planet of the regions elsewhere:
// the matrix has the true round trip of each.
type globe struct {
	*aws.World
	m    *measurer
	dice *rand.Rand
}

func newGlobe(t *testing.T) *globe {
	w, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &globe{w, newMeasurer(), rand.New(rand.NewPCG(1, 2))}
}

// client returns the address of one of the clients at a place: of 12 networks in one /16.
func (g *globe) client(place, network, host int) string {
	return fmt.Sprintf("%d.77.%d.%d", 20+place, network, host)
}

// honest reports what clients measure: the true round trips with up to 20 % more for
// queues.
func (g *globe) honest(networks int) {
	for place, from := range g.Regions() {
		for n := range networks {
			for host := range 1 + g.dice.IntN(4) {
				g.reportFrom(place, n, host, func(to aws.Region) float64 {
					return g.RTT(from.Name, to.Name).Seconds() * 1e3 * (1 + g.dice.Float64()/5)
				})
			}
		}
	}
}

func (g *globe) reportFrom(place, network, host int, rtt func(aws.Region) float64) {
	line := g.client(place, network, host)
	for _, to := range g.Regions() {
		if to.Name != g.Regions()[place].Name {
			line += fmt.Sprintf(" %s=%.3f", to.Name, rtt(to))
		}
	}
	g.m.report(line)
}

// regret is how many milliseconds more than the least a client pays, on average over the
// places, if he goes where the formula of regions says: by what was learned, or by 5 ms
// and 1 ms for each 60 km. The client has reported nothing himself.
func (g *globe) regret() float64 {
	learned, sum := g.m.Learn(g.m.now), 0.0
	for place, from := range g.Regions() {
		row, _ := learned.Find(netip.MustParseAddr(g.client(place, 200, 1)))
		least, paid, score := 1e9, 0.0, 1e9
		for _, to := range g.Regions() {
			if to.Name == from.Name {
				continue
			}
			truth := g.RTT(from.Name, to.Name).Seconds() * 1e3
			expected := 5 + DistanceKM(from.Point, to.Point)/60
			if ms := row.To(to.Name).MS; ms > 0 {
				expected = float64(ms)
			}
			if least = min(least, truth); expected < score {
				score, paid = expected, truth
			}
		}
		sum += paid - least
	}
	return sum / float64(len(g.Regions()))
}

func TestRegretFallsOnTheRealMatrix(t *testing.T) {
	g := newGlobe(t)
	before := g.regret()
	g.honest(6)
	after := g.regret()
	t.Logf("regret on average: %.2f ms by geography, %.2f ms with what clients have measured", before, after)
	if before < 2 || after > before/4 {
		t.Errorf("regret fell from %.2f to %.2f ms only", before, after)
	}
}

// Of six networks at each place two lie: the best regions are far, the worst near. Of
// the clients who tell the truth none is sent elsewhere for it.
func TestLiarsMoveNobody(t *testing.T) {
	with := func(mean bool) float64 {
		g := newGlobe(t)
		g.m.rules.mean = mean
		g.honest(4)
		for place, from := range g.Regions() {
			for n := range 2 {
				for host := range 40 { // however many they are
					g.reportFrom(place, 100+n, host, func(to aws.Region) float64 {
						return max(1, 900-g.RTT(from.Name, to.Name).Seconds()*3e3)
					})
				}
			}
		}
		return g.regret()
	}
	honest := newGlobe(t)
	geography := honest.regret()
	honest.honest(4)
	truth, lied, mean := honest.regret(), with(false), with(true)
	t.Logf("regret on average: %.2f ms by geography, %.2f with the truth, %.2f with liars; by the mean they would make it %.2f", geography, truth, lied, mean)
	if lied > geography/2 || lied > truth+1 {
		t.Errorf("liars make the regret %.2f ms; it is %.2f with the truth, %.2f by geography", lied, truth, geography)
	}
	if mean < 2*geography {
		t.Errorf("liars who move a mean make it only %.2f ms: this test sees nothing", mean)
	}
}

func BenchmarkLearn(b *testing.B) {
	m := newMeasurer()
	for i := range 20_000 {
		line := fmt.Sprintf("%d.%d.%d.9", 20+i%100, i/100, i%7)
		for r := range 16 {
			line += fmt.Sprintf(" r%d=%d", r, 10+i%50)
		}
		m.report(line)
	}
	b.ResetTimer()
	for b.Loop() {
		m.Learn(m.now)
	}
}
