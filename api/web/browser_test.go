package web_test

import (
	"encoding/json"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer/api/rest"
	"gazetteer/api/rest/resttest"
	"gazetteer/api/web"
	"gazetteer/api/web/browsertest"
)

var (
	program  = flag.String("browser", "", "Chromium to look at the page with; without one the tests of the browser are skipped")
	axe      = flag.String("axe", "", "axe.min.js of the npm package axe-core, for the checks of accessibility")
	pictures = flag.String("pictures", "", "directory to leave pictures of the page in")
	planet   = flag.String("planet", "", "URL of a running planet to look at instead of made-up regions")
)

// record is what the page is asked for; its id and URL try to become markup.
const record = `{"attributes":{"note":"<img src=x onerror=boom()>"},"locations":[
	{"id":"<b>far</b>","url":"https://far.example/","lat":-33.9,"lon":151.2,"country":"AU","weight":1},
	{"id":"near","url":"https://near.example/","lat":52.3,"lon":4.8,"country":"NL","weight":1}]}`

// served is a regional server with the page before it, on made-up regions.
func served(t *testing.T) string {
	t.Helper()
	if *planet != "" {
		return *planet
	}
	h, err := rest.New(rest.Config{Regional: resttest.New("ndt", "msak"), Operator: resttest.NewOperator()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := rest.Server("", h)
	s.Handler = newPage(t).Before(h)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { h.Drain(); s.Close(); <-done })
	url := "http://" + l.Addr().String()
	q, _ := http.NewRequest("PUT", url+"/v1/types/ndt/resources/lhr", strings.NewReader(record))
	q.Header.Set("Content-Type", "application/json")
	r, err := http.DefaultClient.Do(q)
	if err != nil || r.StatusCode != 201 {
		t.Fatalf("%v, %v", r, err)
	}
	r.Body.Close()
	return url
}

// TestPageInABrowser uses the page as a person does: by mouse, by keyboard, on a phone, in
// the dark. Nothing may be complained of on the way.
func TestPageInABrowser(t *testing.T) {
	if *program == "" {
		t.Skip("NOT RUN: name a Chromium with -browser")
	}
	b := browsertest.Start(t, *program)
	b.Screen(1280, 900, "light", true)
	b.Open(served(t) + web.Path)
	b.Until(`document.querySelectorAll("#map [data-region]").length >= 2 && document.querySelector("#map .tree") && document.querySelector(".ground")`)
	b.Until(`document.querySelectorAll("#region-table tbody tr").length >= 3`)
	paintsAtOnce(t, b)
	steps := []struct {
		name string
		do   func(*testing.T, *browsertest.Browser)
	}{{"resolve", resolves}, {"catalogue", browses}, {"keyboard", goesByKeyboard}, {"drain", drains}, {"phone", fitsAPhone}}
	for _, s := range steps {
		s.do(t, b)
		shoot(b, s.name)
		check(t, b, s.name)
		for _, f := range b.Faults() {
			t.Errorf("%s: %s", s.name, f)
		}
	}
	b.Screen(1280, 900, "dark", true)
	b.Click("#tab-regions")
	shoot(b, "dark")
	check(t, b, "dark")
}

func shoot(b *browsertest.Browser, name string) {
	if *pictures != "" {
		b.Shoot(filepath.Join(*pictures, name+".png"), name == "phone")
	}
}

// paintsAtOnce holds the page's budgets.
func paintsAtOnce(t *testing.T, b *browsertest.Browser) {
	var paint float64
	b.Eval(`performance.getEntriesByName("first-contentful-paint")[0].startTime`, &paint)
	t.Logf("first paint after %.0f ms, %d bytes", paint, b.Bytes())
	if b.Bytes() > 300<<10 {
		t.Errorf("%d bytes came, want at most 300 KiB", b.Bytes())
	}
}

func resolves(t *testing.T, b *browsertest.Browser) {
	b.Click("#tab-resolve")
	fill(b, "#r-type", "ndt")
	fill(b, "#r-id", "lhr")
	fill(b, "#r-lat", "52")
	fill(b, "#r-lon", "5")
	b.Click("#resolve form button")
	b.Until(`document.querySelector("#placed")?.textContent.includes("52.00, 5.00")`)
	var text string
	if b.Eval(`document.querySelector("#resolve table tbody tr").innerText`, &text); *planet == "" && !strings.Contains(text, "near") {
		t.Errorf("first is %q, want the nearer one", text)
	}
	b.Until(`document.querySelectorAll("#map .shown .rank").length >= 2 && document.querySelector("#map .shown .client")`)
}

func fill(b *browsertest.Browser, selector, text string) {
	b.Click(selector)
	b.Type(text)
}

// browses looks at a record whose names try to become markup.
func browses(t *testing.T, b *browsertest.Browser) {
	b.Click("#tab-catalogue")
	b.Until(`document.querySelector("#c-type option[value=ndt]")`)
	b.Eval(`(() => { const s = document.querySelector("#c-type"); s.value = "ndt"; s.dispatchEvent(new Event("change")); })()`, nil)
	b.Click("#catalogue tbody .name")
	b.Until(`document.querySelector("#catalogue h3")`)
	var images int
	if b.Eval(`document.querySelectorAll("#catalogue img, #catalogue b").length`, &images); images != 0 {
		t.Errorf("%d names became markup", images)
	}
}

// goesByKeyboard goes from the first stop over the regions of the map to the tabs.
func goesByKeyboard(t *testing.T, b *browsertest.Browser) {
	b.Eval(`document.activeElement.blur(), scrollTo(0, 0)`, nil)
	b.Click("header h1")
	seen := map[string]bool{}
	var at string
	for range 60 {
		b.Press("Tab")
		b.Eval(`(() => { const n = document.activeElement; return n.dataset.region ? "region" : n.getAttribute("role") ?? n.className })()`, &at)
		if seen[at] = true; at == "tab" {
			break
		}
	}
	if !seen["region"] || !seen["tab"] {
		t.Errorf("the keyboard comes by %v, want the regions and the tabs", seen)
	}
	b.Press("Home")
	b.Until(`!document.querySelector("#regions").hidden && document.activeElement.id === "tab-regions"`)
}

// drains asks first: no is no.
func drains(_ *testing.T, b *browsertest.Browser) {
	const button = `#region-table tbody tr:nth-child(2) button`
	b.Click(button)
	b.Until(`document.querySelector("dialog").open`)
	b.Press("Escape")
	b.Until(`!document.querySelector("dialog").open && document.querySelector("` + button + `").textContent === "Drain"`)
	b.Click(button)
	b.Click("dialog .main")
	b.Until(`document.querySelector("` + button + `").textContent === "Undrain"`)
	b.Click(button)
	b.Click("dialog .main")
	b.Until(`document.querySelector("` + button + `").textContent === "Drain"`)
}

func fitsAPhone(t *testing.T, b *browsertest.Browser) {
	b.Screen(320, 640, "light", true)
	b.Until(`innerWidth === 320`)
	var wide int
	if b.Eval(`document.documentElement.scrollWidth`, &wide); wide > 320 {
		t.Errorf("the page is %d wide on a phone of 320", wide)
	}
}

// check has axe-core look for what shuts people out (WCAG 2.2 A and AA, best practices).
func check(t *testing.T, b *browsertest.Browser, when string) {
	if *axe == "" {
		return
	}
	text, err := os.ReadFile(*axe)
	if err != nil {
		t.Fatal(err)
	}
	b.Eval(string(text)+"; 0", nil)
	var found []struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
	b.Eval(`axe.run().then((r) => r.violations)`, &found)
	for _, f := range found {
		nodes, _ := json.Marshal(f.Nodes)
		t.Errorf("%s: %s: %s: %.600s", when, f.ID, f.Help, nodes)
	}
}
