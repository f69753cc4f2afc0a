package provider

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"gazetteer/api/client"
)

func recordConfig(url, typ, body string) string {
	return configOf(url, fmt.Sprintf(`
resource "gazetteer_type" "t" { name = %q }
resource "gazetteer_resource" "r" {
  type = gazetteer_type.t.name
  id   = "os/debian"
  %s
}`, typ, body))
}

const oneLocation = `locations = { a = { url = "https://a.example/" } }`

const twoLocations = `
  attributes = jsonencode({ z = 1, name = "Debian" })
  locations = {
    a   = { url = "https://a.example/", lat = 50.1, lon = 8.7, country = "DE", weight = 2, labels = { tier = "gold" } }
    "b" = { url = "https://b.example/" }
  }`

// located checks how many locations the server holds.
func located(t *testing.T, url, typ string, want int) resource.TestCheckFunc {
	return holds(t, url, func(ctx context.Context, k *client.Client) error {
		d, err := k.Get(ctx, typ, "os/debian")
		if err == nil && len(d.Locations) != want {
			err = fmt.Errorf("%d locations, want %d", len(d.Locations), want)
		}
		return err
	})
}

func TestResource(t *testing.T) {
	url := planetOf(t)
	const r = "gazetteer_resource.r"
	play(t,
		goneFrom(t, url, func(ctx context.Context, k *client.Client) error {
			_, err := k.Get(ctx, "shelf", "os/debian")
			return err
		}),
		resource.TestStep{Config: recordConfig(url, "shelf", oneLocation), Check: located(t, url, "shelf", 1)},
		resource.TestStep{Config: recordConfig(url, "shelf", twoLocations), Check: resource.ComposeTestCheckFunc(located(t, url, "shelf", 2),
			resource.TestCheckResourceAttr(r, "locations.a.weight", "2"), resource.TestCheckResourceAttrSet(r, "version"))},
		resource.TestStep{ResourceName: r, ImportState: true, ImportStateId: "shelf/os/debian", ImportStateVerify: true, ImportStateVerifyIgnore: []string{"attributes"}},
		resource.TestStep{Config: recordConfig(url, "shelf", twoLocations), Check: located(t, url, "shelf", 2), PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error {
			_, err := k.DeleteLocation(ctx, "shelf", "os/debian", "b", client.WriteOptions{})
			return err
		})},
		resource.TestStep{Config: recordConfig(url, "shelf", twoLocations), Check: located(t, url, "shelf", 2), PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error {
			_, err := k.Delete(ctx, "shelf", "os/debian", client.WriteOptions{})
			return err
		})},
		resource.TestStep{Config: recordConfig(url, "shelf", oneLocation+"\nack = \"local\""), Check: located(t, url, "shelf", 1)},
	)
}

func TestResourceOfBadInput(t *testing.T) {
	url := planetOf(t)
	bad := func(body, words string) resource.TestStep {
		return refusal(recordConfig(url, "bad", body), words)
	}
	at := func(what string) string { return `locations = { a = { url = "https://a.example/", ` + what + ` } }` }
	play(t, nil,
		bad("", "A resource has attributes or at least one location"),
		bad(`locations = {}`, "Empty"),
		bad(`locations = { a = { url = "not a url" } }`, "Not a URL"),
		bad(at(`lat = 3`), "lon is missing"),
		bad(at(`lat = 93, lon = 3`), "93 is not from -90 to 90"),
		bad(at(`country = "Germany"`), "ISO 3166-1"),
		bad(at(`weight = -1`), "Out of range"),
		bad(`attributes = "[]"`, "JSON object"),
		bad(oneLocation+"\nack = \"everywhere\"", "everywhere"),
		refusal(configOf(url, `resource "gazetteer_resource" "r" {
  type = "nosuch"
  id   = "x"
  `+oneLocation+`
}`), "not written"),
	)
}

// TestResourceThatExists is not taken over.
func TestResourceThatExists(t *testing.T) {
	url := planetOf(t)
	k := clientOf(t, url)
	if _, err := k.PutType(t.Context(), client.Type{Name: "held"}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.PutLocation(t.Context(), "held", "x", client.Location{ID: "l", URL: "https://l.example/"}, client.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	play(t, nil, refusal(configOf(url, `resource "gazetteer_resource" "r" {
  type = "held"
  id   = "x"
  `+oneLocation+`
}`), "Import held/x, or take another id"))
}

// TestLostUpdate has somebody write between plan and apply: he is not overwritten.
func TestLostUpdate(t *testing.T) {
	real := planetOf(t)
	k := clientOf(t, real)
	between := inFront(t, real, func(r *http.Request) int {
		if r.Method == http.MethodPut && r.Header.Get("If-Match") != "" {
			_, err := k.PutLocation(t.Context(), "raced", "os/debian", client.Location{ID: "c", URL: "https://c.example/"}, client.WriteOptions{})
			if err != nil {
				t.Error(err)
			}
		}
		return 0
	})
	play(t, nil,
		resource.TestStep{Config: recordConfig(between, "raced", oneLocation)},
		refusal(recordConfig(between, "raced", twoLocations), "has been changed since the plan"),
		resource.TestStep{Config: recordConfig(real, "raced", oneLocation), Check: located(t, real, "raced", 1)},
	)
}

// inFront passes requests on to a server, unless refuse returns a status.
func inFront(t *testing.T, to string, refuse func(*http.Request) int) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := refuse(r); status != 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"code":"denied","title":"Not allowed","status":%s,"detail":"this token may not do this","request_id":"r1"}`, strconv.Itoa(status))
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
