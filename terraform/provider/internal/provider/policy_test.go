package provider

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"gazetteer/api/client"
)

func policyConfig(url, ttl, policy string) string {
	return configOf(url, fmt.Sprintf(`
resource "gazetteer_type" "t" {
  name        = "ruled"
  ttl_seconds = %s
}
resource "gazetteer_policy" "p" {
  type = gazetteer_type.t.name
  %s
}`, ttl, policy))
}

const manyRules = `
  pin          = ["tier=gold"]
  region       = "fra"
  beyond_tiers = "exclude"
  weights      = "share"
  countries    = [{ locations = "export=no", deny = ["KP"] }, { allow = ["DE", "FR"] }]
  tiers        = [{ name = "near", within_km = 500 }, { name = "home", same_country = true }, { name = "rest" }]
  bias         = [{ locations = "new=yes", percent = -20 }]
  load         = { label = "load", from = 0.5, full = 0.9 }
  network      = { ipv4 = 16 }`

func TestPolicy(t *testing.T) {
	url := planetOf(t)
	const p = "gazetteer_policy.p"
	says := func(words string) resource.TestCheckFunc {
		return holds(t, url, func(ctx context.Context, k *client.Client) error {
			got, err := k.Type(ctx, "ruled")
			if err == nil && !strings.Contains(string(got.Policy), words) {
				err = fmt.Errorf("the policy is %s, without %s", got.Policy, words)
			}
			return err
		})
	}
	change := func(policy string) func() {
		return outside(t, url, func(ctx context.Context, k *client.Client) error {
			was, err := k.Type(ctx, "ruled")
			if err == nil {
				was.Policy = []byte(policy)
				_, err = k.PutType(ctx, was)
			}
			return err
		})
	}
	few := `tiers = [{ name = "near", within_km = 100 }]`
	play(t,
		goneFrom(t, url, func(ctx context.Context, k *client.Client) error { _, err := k.Type(ctx, "ruled"); return err }),
		resource.TestStep{Config: policyConfig(url, "30", few), Check: says(`"within_km":100`)},
		resource.TestStep{Config: policyConfig(url, "30", manyRules), Check: resource.ComposeTestCheckFunc(says(`"ipv4":16,"ipv6":56`), says(`"deny":["KP"]`))},
		// The type has another owner, who leaves the policy alone.
		resource.TestStep{Config: policyConfig(url, "45", manyRules), Check: says(`"same_country":true`)},
		resource.TestStep{ResourceName: p, ImportState: true, ImportStateId: "ruled", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "type"},
		resource.TestStep{Config: policyConfig(url, "45", manyRules), PreConfig: change(`{"pin":["tier=lead"]}`), Check: says(`"pin":["tier=gold"]`)},
		resource.TestStep{Config: policyConfig(url, "45", manyRules), PreConfig: change(`{}`), Check: says(`"pin":["tier=gold"]`)},
		resource.TestStep{Config: configOf(url, `resource "gazetteer_type" "t" { name = "ruled" }`), Check: holds(t, url, func(ctx context.Context, k *client.Client) error {
			got, err := k.Type(ctx, "ruled")
			if err == nil && len(got.Policy) > 0 {
				err = fmt.Errorf("a policy that was destroyed is still %s", got.Policy)
			}
			return err
		})},
	)
}

func TestPolicyOfBadInput(t *testing.T) {
	url := planetOf(t)
	bad := func(policy, words string) resource.TestStep {
		return refusal(policyConfig(url, "30", policy), words)
	}
	play(t, nil,
		bad("", "The policy says nothing"),
		bad(`pin = []`, "Empty"),
		bad(`weights = "heavy"`, "heavy"),
		bad(`countries = [{ deny = ["Germany"] }]`, "ISO 3166-1"),
		bad(`bias = [{ percent = 100 }]`, "100 is not from -99 to 99"),
		// What only the server can judge is told at its argument.
		bad(`tiers = [{ name = "a", locations = "=" }]`, "want a key"),
		bad(`load = { label = "l", from = 2, full = 1 }`, "not written"),
		refusal(configOf(url, `resource "gazetteer_policy" "p" {
  type = "nosuch"
  pin  = ["a=b"]
}`), "nosuch"),
	)
}
