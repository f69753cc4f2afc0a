package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// TestJoinToken looks at tokens with a provider that shows what it is given: a real
// configuration has no such thing.
func TestJoinToken(t *testing.T) {
	url := planetOf(t)
	shown := func(text string) string {
		return configOf(url, text+`
provider "echo" { data = ephemeral.gazetteer_join_token.t }
resource "echo" "t" {}`)
	}
	token := func(pattern string) []statecheck.StateCheck {
		at := tfjsonpath.New("data")
		return []statecheck.StateCheck{
			statecheck.ExpectKnownValue("echo.t", at.AtMapKey("token"), knownvalue.StringRegexp(regexp.MustCompile(pattern))),
			statecheck.ExpectKnownValue("echo.t", at.AtMapKey("contacts"), knownvalue.ListSizeExact(1)),
		}
	}
	all := factories()
	all["echo"] = func() (tfprotov6.ProviderServer, error) { return echoprovider.NewProviderServer()() }
	step := func(text, pattern string) {
		resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: all, Steps: []resource.TestStep{{Config: shown(text), ConfigStateChecks: token(pattern)}}})
	}
	step("ephemeral \"gazetteer_join_token\" \"t\" {\nroles = [\"replica\"]\nttl = \"5m\"\n}", `^\S{20,}$`)
	step("resource \"gazetteer_region\" \"r\" { name = \"tok\" }\nephemeral \"gazetteer_join_token\" \"t\" { region = gazetteer_region.r.id }", `^gzr1-[0-9a-f]{40}$`)
}

func TestJoinTokenOfBadInput(t *testing.T) {
	url := planetOf(t)
	one := func(text string) string {
		return configOf(url, "ephemeral \"gazetteer_join_token\" \"t\" {\n"+text+"\n}")
	}
	play(t, nil,
		refusal(one(`region = "nosuch"`), "no region nosuch is expected"),
		refusal(one(`roles = ["king"]`), "king"),
		refusal(one(`ttl = "2h"`), "There is no token"),
		refusal(one("region = \"syd\"\nuses = 2"), "Not for a region"),
		refusal(one(`uses = 0`), "Out of range"),
	)
}
