package provider

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestRights has a server that knows one token: the provider sends it, and says what is
// wrong with another one.
func TestRights(t *testing.T) {
	url := inFront(t, planetOf(t), func(r *http.Request) int {
		if r.Header.Get("Authorization") != "Bearer right" {
			return http.StatusForbidden
		}
		return 0
	})
	with := func(token string) string {
		return fmt.Sprintf("provider \"gazetteer\" {\n addr = %q\n token = %q\n}\n", url, token) + `resource "gazetteer_type" "t" { name = "guarded" }`
	}
	play(t, nil,
		refusal(with("wrong"), "this token may not do this"),
		refusal(with("wrong"), "GAZETTEER_TOKEN"),
		resource.TestStep{Config: with("right")},
	)
}

func TestBadProvider(t *testing.T) {
	planetOf(t)
	with := func(provider string) string {
		return "provider \"gazetteer\" {\n" + provider + "\n}\ndata \"gazetteer_topology\" \"t\" {}"
	}
	play(t, nil,
		refusal(with(""), "Give the URL of a regional server"),
		refusal(with(`addr = "127.0.0.1:8080"`), "is not the URL of a server"),
		refusal(with(`addr = "http://127.0.0.1:1"`), "connection refused"),
		refusal(with("addr = \"http://192.0.2.1\"\ntoken = \"secret\""), "The token would be readable on its way"),
		refusal(with("addr = \"http://127.0.0.1:1\"\nca_file = \"/nonexistent\""), "no such file"),
		refusal("resource \"terraform_data\" \"d\" {}\nprovider \"gazetteer\" {\naddr = \"http://127.0.0.1:1/${terraform_data.d.id}\"\n}\ndata \"gazetteer_topology\" \"t\" {}", "."),
	)
}

func TestPrivate(t *testing.T) {
	for addr, want := range map[string]bool{
		"https://planet.example": true, "http://127.0.0.1:8080": true, "http://localhost": true, "http://[::1]:80": true,
		"http://10.0.0.1": false, "http://planet.example": false, "http://127.0.0.1.planet.example": false,
	} {
		if private(addr) != want {
			t.Errorf("private(%q) is not %v", addr, want)
		}
	}
}
