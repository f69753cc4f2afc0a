package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

func TestData(t *testing.T) {
	url := planetOf(t)
	config := configOf(url, `
resource "gazetteer_type" "t" { name = "asked" }
resource "gazetteer_resource" "r" {
  type = gazetteer_type.t.name
  id   = "x"
  locations = {
    berlin = { url = "https://b.example/", lat = 52.5, lon = 13.4 }
    sydney = { url = "https://s.example/", lat = -33.9, lon = 151.2 }
  }
}
data "gazetteer_resolve" "here" {
  type       = "asked"
  id         = "x"
  lat        = -37.8
  lon        = 145
  limit      = 1
  depends_on = [gazetteer_resource.r]
}
data "gazetteer_topology" "t" {}
data "gazetteer_regions" "r" {}`)
	const here = "data.gazetteer_resolve.here"
	play(t, nil,
		resource.TestStep{Config: config, Check: resource.ComposeTestCheckFunc(
			resource.TestCheckResourceAttr(here, "locations.#", "1"),
			resource.TestCheckResourceAttr(here, "locations.0.id", "sydney"),
			resource.TestCheckResourceAttr(here, "served_by", "fra"),
			resource.TestCheckResourceAttr("data.gazetteer_topology.t", "regions.0.name", "fra"),
			resource.TestCheckResourceAttr("data.gazetteer_topology.t", "regions.0.lat", "50.1"),
			resource.TestCheckResourceAttr("data.gazetteer_regions.r", "regions.0.self", "true"),
			resource.TestCheckResourceAttr("data.gazetteer_regions.r", "regions.0.replicas", "1"),
		)},
		refusal(configOf(url, `data "gazetteer_resolve" "r" {
  type = "asked"
  id   = "nosuch"
}`), "There is no answer"),
		refusal(configOf(url, `data "gazetteer_resolve" "r" {
  type = "asked"
  id   = "x"
  ip   = "somewhere"
}`), "somewhere"),
	)
}
