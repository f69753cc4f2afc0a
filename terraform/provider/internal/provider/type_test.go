package provider

import (
	"context"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"gazetteer/api/client"
)

func TestType(t *testing.T) {
	url := planetOf(t)
	plain := configOf(url, `resource "gazetteer_type" "t" { name = "mirror" }`)
	checked := configOf(url, `resource "gazetteer_type" "t" {
  name        = "mirror"
  ttl_seconds = 60
  redirect    = true
  health      = { kind = "http", path = "/ok", interval_seconds = 1, port = 8080 }
}`)
	const r = "gazetteer_type.t"
	ttl := func(want int64) resource.TestCheckFunc {
		return holds(t, url, func(ctx context.Context, k *client.Client) error {
			got, err := k.Type(ctx, "mirror")
			if err == nil && orZero(got.TTLSeconds) != want {
				err = fmt.Errorf("ttl %d, want %d", orZero(got.TTLSeconds), want)
			}
			return err
		})
	}
	play(t,
		goneFrom(t, url, func(ctx context.Context, k *client.Client) error { _, err := k.Type(ctx, "mirror"); return err }),
		resource.TestStep{Config: plain, Check: resource.ComposeTestCheckFunc(ttl(30), resource.TestCheckResourceAttr(r, "mode", "multi"), resource.TestCheckNoResourceAttr(r, "health"))},
		resource.TestStep{Config: checked, Check: resource.ComposeTestCheckFunc(ttl(60), resource.TestCheckResourceAttr(r, "health.timeout_seconds", "1"), resource.TestCheckResourceAttr(r, "health.fall", "3"))},
		resource.TestStep{ResourceName: r, ImportState: true, ImportStateId: "mirror", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "name"},
		// Changed behind terraform's back: what it has is what the configuration says again.
		resource.TestStep{Config: checked, Check: ttl(60), PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error {
			was, err := k.Type(ctx, "mirror")
			if err == nil {
				was.TTLSeconds, was.Health = new(int64(5)), nil
				_, err = k.PutType(ctx, was)
			}
			return err
		})},
		resource.TestStep{Config: checked, Check: ttl(60), PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error { return k.DeleteType(ctx, "mirror") })},
		resource.TestStep{Config: plain, Check: ttl(30)},
	)
}

func TestTypeOfBadInput(t *testing.T) {
	url := planetOf(t)
	one := func(text string) string { return configOf(url, "resource \"gazetteer_type\" \"t\" {\n"+text+"\n}") }
	play(t, nil,
		refusal(one("name = \"Bad_Name\""), "is not a DNS label"),
		refusal(one("name = \"bad\"\n ttl_seconds = -1"), "-1 is not from 0 to 86400"),
		refusal(one("name = \"bad\"\n mode = \"anarchy\""), "anarchy"),
		refusal(one("name = \"bad\"\n health = { kind = \"icmp\" }"), "icmp"),
		refusal(one("name = \"bad\"\n health = { kind = \"tcp\", path = \"/x\" }"), "a check by TCP asks for no path"),
		refusal(one("name = \"bad\"\n health = { kind = \"http\", interval_seconds = 1, timeout_seconds = 3 }"), "is not above 0 and up to the interval"),
		refusal(one("name = \"bad\"\n tll_seconds = 3"), "Unsupported argument"),
		refusal(one("name = \"fra\""), "name space"),
	)
}

// TestTypeThatExists is not taken over, and one that has resources is not destroyed.
func TestTypeThatExists(t *testing.T) {
	url := planetOf(t)
	k := clientOf(t, url)
	if _, err := k.PutType(t.Context(), client.Type{Name: "taken"}); err != nil {
		t.Fatal(err)
	}
	taken := configOf(url, `resource "gazetteer_type" "t" { name = "taken" }`)
	full := configOf(url, `resource "gazetteer_type" "t" { name = "full" }`)
	put := func(ctx context.Context, k *client.Client) error {
		_, err := k.PutLocation(ctx, "full", "r", client.Location{ID: "l", URL: "https://a.example/"}, client.WriteOptions{})
		return err
	}
	play(t, nil,
		refusal(taken, "import it, or take another name"),
		resource.TestStep{Config: full},
		func() resource.TestStep {
			s := refusal(full, "not removed")
			s.Destroy, s.PreConfig = true, outside(t, url, put)
			return s
		}(),
		resource.TestStep{Config: full, PreConfig: outside(t, url, func(ctx context.Context, k *client.Client) error {
			_, err := k.Delete(ctx, "full", "r", client.WriteOptions{})
			return err
		})},
	)
}
