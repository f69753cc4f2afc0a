package provider

import (
	"context"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"gazetteer/api/client"
)

// TestRegion is of a region that is admitted and has not come. One that comes and goes is
// what terraform/examples/add-a-region runs.
func TestRegion(t *testing.T) {
	url := planetOf(t)
	const r = "gazetteer_region.r"
	one := func(text string) string {
		return configOf(url, "resource \"gazetteer_region\" \"r\" {\nname = \"syd\"\n"+text+"\n}")
	}
	biased := func(want float64) resource.TestCheckFunc {
		return holds(t, url, func(ctx context.Context, k *client.Client) error {
			g, err := k.Region(ctx, "syd")
			if err == nil && (g.State != stateExpected || g.BiasMS != want) {
				err = fmt.Errorf("%s, bias %v", g.State, g.BiasMS)
			}
			return err
		})
	}
	play(t,
		goneFrom(t, url, func(ctx context.Context, k *client.Client) error { _, err := k.Region(ctx, "syd"); return err }),
		resource.TestStep{Config: one("bias_ms = 5.25"), Check: resource.ComposeTestCheckFunc(biased(5.25), resource.TestCheckResourceAttr(r, "id", "syd"))},
		resource.TestStep{Config: one(`bias_ms = -3`), Check: biased(-3)},
		resource.TestStep{ResourceName: r, ImportState: true, ImportStateId: "syd", ImportStateVerify: true},
		resource.TestStep{Config: one("bias_ms = -3"), Check: biased(-3), PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error { return k.BiasRegion(ctx, "syd", 7) })},
		resource.TestStep{Config: one("force = true"), Check: biased(0), PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error { return k.RemoveRegion(ctx, "syd", false) })},
	)
}

func TestRegionOfBadInput(t *testing.T) {
	url := planetOf(t)
	one := func(text string) string { return configOf(url, "resource \"gazetteer_region\" \"r\" {\n"+text+"\n}") }
	play(t, nil,
		refusal(one(`name = "Frankfurt am Main"`), "Not the name of a region"),
		refusal(one(`name = "any"`), "reserved"),
		refusal(one(`name = "fra"`), "the planet has a region of this name; import it"),
		refusal(one("name = \"syd\"\nbias_ms = 1001"), "Out of range"),
		refusal(one("name = \"syd\"\nbias_ms = 0.0001"), "steps of 0.001"),
		refusal(one("name = \"syd\"\ndraining = true"), "The region has not come yet"),
		refusal(one("name = \"syd\"\ndrain_timeout = \"soon\""), "Not a time"),
		refusal(configOf(url, `resource "gazetteer_region_arrival" "a" { region = "nosuch" }`), "no region is named"),
		refusal(configOf(url, "resource \"gazetteer_region\" \"r\" { name = \"syd\" }\nresource \"gazetteer_region_arrival\" \"a\" {\nregion = gazetteer_region.r.id\nwithin = \"1s\"\n}"), "the region is expected; its servers"),
	)
}

// TestRegionIsNotRemovedThroughItself: nobody would be left to say how it ended.
func TestRegionIsNotRemovedThroughItself(t *testing.T) {
	url := planetOf(t)
	var m leaving
	var d diagnostics
	o := of{&planet{Client: clientOf(t, url)}}
	o.leave(t.Context(), "fra", &m, &d)
	if len(d) != 1 || d[0].Summary() != "A region cannot be removed through itself" {
		t.Fatal(d)
	}
}
