data "gazetteer_regions" "all" {}

output "live" {
  value = [for r in data.gazetteer_regions.all.regions : r.name if r.state == "live"]
}
