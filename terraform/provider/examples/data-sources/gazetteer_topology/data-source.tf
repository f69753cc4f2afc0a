data "gazetteer_topology" "now" {}

output "tree" {
  value = [for e in data.gazetteer_topology.now.edges : "${e.a} - ${e.b}: ${e.cost_ms} ms" if e.tree]
}
